/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel/lib.h"
#include "net/vif_xenbus.h"

#define DEFAULT_PREFIX 24

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vif_parse_mac(const char *text, uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++, text += 3) {
        int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

        if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool vif_parse_ip(const char *text, uint32_t *ipv4, uint32_t *prefix)
{
    char word[20];
    unsigned bits = DEFAULT_PREFIX;
    size_t n = 0;

    while (text[n] && text[n] != ' ' && n < sizeof(word) - 1) {
        word[n] = text[n];
        n++;
    }
    word[n] = '\0';
    if ((text[n] && text[n] != ' ') || !parse_ipv4(word, ipv4, &bits))
        return false;
    *prefix = bits;
    return true;
}
