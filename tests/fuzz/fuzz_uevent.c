// SPDX-License-Identifier: BSD-3-Clause
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "uevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_inside(const char *text, const char *message, size_t size)
{
    if (*text && (text < message || text + strlen(text) >= message + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *message = malloc(size ? size : 1);
    struct uevent event;

    if (!message)
        return 0;
    memcpy(message, data, size);
    if (uevent_parse(message, size, &event)) {
        require_inside(event.action, message, size);
        require_inside(event.type, message, size);
        require_inside(event.path, message, size);
        require_inside(event.script, message, size);
    }
    free(message);
    return 0;
}
