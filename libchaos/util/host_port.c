// SPDX-License-Identifier: BSD-3-Clause
#include "host_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t number = 0;
    const char *at;

    for (at = text; *at >= '0' && *at <= '9' && number <= UINT16_MAX; at++)
        number = number * 10 + (uint32_t)(*at - '0');
    *port = (uint16_t)number;
    return at != text && *at == '\0' && number > 0 && number <= UINT16_MAX;
}

static bool is_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    return *text != '-' && *text != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool is_ipv6(const char *text)
{
    struct in6_addr address;

    return inet_pton(AF_INET6, text, &address) == 1;
}

bool host_port_parse(const char *text, struct host_port *out)
{
    const bool bracketed = *text == '[';
    size_t length;

    text += bracketed;
    length = strcspn(text, bracketed ? "]" : ":");
    if (length > HOST_MAX || (bracketed && text[length] == '\0'))
        return false;
    memcpy(out->host, text, length);
    out->host[length] = '\0';
    out->port = 0;
    if (bracketed ? !is_ipv6(out->host) : !is_name(out->host))
        return false;
    text += length + bracketed;
    return *text == '\0' || (*text == ':' && parse_port(text + 1, &out->port));
}

void host_port_format(const struct host_port *in, char text[HOST_PORT_TEXT])
{
    const bool bracketed = strchr(in->host, ':') != NULL;
    char port[8] = "";

    if (in->port)
        snprintf(port, sizeof(port), ":%u", in->port);
    snprintf(text, HOST_PORT_TEXT, "%s%s%s%s", bracketed ? "[" : "", in->host, bracketed ? "]" : "",
             port);
}
