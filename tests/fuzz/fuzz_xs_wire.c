// SPDX-License-Identifier: BSD-3-Clause
/* What our guests make of the XenStore's messages: the first byte of the input says how many bytes
 * the store writes at a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/vif_xenbus.h"
#include "xenstore/xs_wire.h"

#include "guest_names.h"
#include "kernel/string.c" /* beside the host's functions, by other names */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xenstore_domain_interface ring;
static struct xs_message message;

static void use(const struct xs_message *m)
{
    uint64_t token;
    uint32_t ip, prefix = 0;
    uint8_t mac[6];
    size_t at = 0, names = 0;

    if (m->header.len > XENSTORE_PAYLOAD_MAX || m->payload[m->header.len] != '\0')
        abort();
    if (xs_message_error(m) > 0)
        abort();
    xs_message_token(m, &token);
    while (xs_next_name(m->payload, m->header.len, &at))
        names++;
    if (names > m->header.len || at > m->header.len)
        abort();
    vif_parse_mac(m->payload, mac);
    if (vif_parse_ip(m->payload, &ip, &prefix) && prefix > 32)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t step = size ? data[0] + 1u : 0;

    memset(&ring, 0, sizeof(ring));
    message.got = 0;
    for (size_t at = 1; at < size;) {
        for (size_t n = 0; n < step && at < size; n++)
            ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = (char)data[at++];
        for (int rc = 1; rc;) {
            rc = xs_message_pull(&message, &ring);
            if (rc < 0)
                return 0;
            if (rc) {
                use(&message);
                message.got = 0;
            }
        }
        if (ring.rsp_cons != ring.rsp_prod)
            abort();
    }
    return 0;
}
