// SPDX-License-Identifier: BSD-3-Clause
#include "clean.h"

#include <stdbool.h>

#include "output.h"

static void put(unsigned char byte)
{
    const char c = (char)byte;

    out_write(&c, 1);
}

static void put_control(unsigned char byte)
{
    put('^');
    put(byte ^ 0x40);
}

static uint8_t continuations(unsigned char lead)
{
    return lead >= 0xc3 && lead <= 0xdf   ? 1
           : lead >= 0xe0 && lead <= 0xef ? 2
           : lead >= 0xf0 && lead <= 0xf4 ? 3
                                          : 0;
}

/* True: it belongs to the sequence that began before it. */
static bool continue_sequence(struct cleaner *cleaner, unsigned char byte)
{
    const bool continues = (byte & 0xc0) == 0x80;

    if (cleaner->lead) { /* U+0080 to U+009F are control characters, too */
        if (continues && byte >= 0xa0) {
            put(cleaner->lead);
            put(byte);
        } else {
            put('?');
        }
        cleaner->lead = 0;
        return continues;
    }
    if (cleaner->continues && continues) {
        cleaner->continues--;
        put(byte);
        return true;
    }
    cleaner->continues = 0;
    return false;
}

void clean_write(struct cleaner *cleaner, const char *bytes, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (continue_sequence(cleaner, byte))
            continue;
        if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte < 0x7f)) {
            put(byte);
        } else if (byte == '\r') {
            continue; /* guests end lines with it */
        } else if (byte < 0x80) {
            put_control(byte);
        } else if (byte == 0xc2) {
            cleaner->lead = byte;
        } else {
            cleaner->continues = continuations(byte);
            put(cleaner->continues ? byte : '?');
        }
    }
}
