/* SPDX-License-Identifier: BSD-3-Clause */
/* "HOST", "HOST:PORT", "[IPV6]", "[IPV6]:PORT". */
#ifndef CHAOS_UTIL_HOST_PORT_H
#define CHAOS_UTIL_HOST_PORT_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_MAX       240
#define HOST_PORT_TEXT (HOST_MAX + 9) /* with brackets, port and NUL */

struct host_port {
    char host[HOST_MAX + 1]; /* a name or an address, without brackets */
    uint16_t port;           /* 0: none was given */
};

/*
 * False: it is none. A host is letters, digits, '.', '_', ':' and '-', and begins with none of the
 * last two but in an IPv6 address: it can be an argument of a command.
 */
bool host_port_parse(const char *text, struct host_port *out);
/* As it is parsed; without a port if that is 0. */
void host_port_format(const struct host_port *in, char text[HOST_PORT_TEXT]);

#endif
