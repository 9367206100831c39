// SPDX-License-Identifier: BSD-3-Clause
/* Crafted netlink messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "noxs_ioctl.h"
#include "rtnl_parse.h"
#include "vif.h"

struct message {
    unsigned char bytes[1024];
    size_t length, start; /* start: of the message under construction */
};

static void append(struct message *m, const void *data, size_t length)
{
    if (length > 0)
        memcpy(m->bytes + m->length, data, length);
    m->length += length;
    while (m->length % 4)
        m->bytes[m->length++] = 0;
}

static void begin(struct message *m, uint16_t type, uint16_t flags)
{
    struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = flags};

    m->start = m->length;
    append(m, &header, sizeof(header));
}

static void end(struct message *m)
{
    uint32_t length = (uint32_t)(m->length - m->start);

    memcpy(m->bytes + m->start, &length, sizeof(length));
}

static void begin_link(struct message *m, int index, unsigned int flags)
{
    struct ifinfomsg info = {.ifi_index = index, .ifi_flags = flags};

    begin(m, RTM_NEWLINK, 0);
    append(m, &info, sizeof(info));
}

static void attribute(struct message *m, uint16_t type, const void *data, size_t length)
{
    struct nlattr header = {.nla_type = type, .nla_len = (uint16_t)(sizeof(header) + length)};

    append(m, &header, sizeof(header));
    append(m, data, length);
}

static size_t nest(struct message *m, uint16_t type)
{
    size_t at = m->length;

    attribute(m, type, NULL, 0);
    return at;
}

static void end_nest(struct message *m, size_t at)
{
    uint16_t length = (uint16_t)(m->length - at);

    memcpy(m->bytes + at, &length, sizeof(length));
}

static void add_vif(struct message *m, uint16_t domid, uint16_t id, const char *bridge)
{
    size_t info = nest(m, IFLA_LINKINFO | NLA_F_NESTED), data;

    attribute(m, IFLA_INFO_KIND, NOXS_VIF_KIND, sizeof(NOXS_VIF_KIND));
    data = nest(m, IFLA_INFO_DATA | NLA_F_NESTED);
    attribute(m, NOXS_VIF_ATTR_DOMID, &domid, sizeof(domid));
    attribute(m, NOXS_VIF_ATTR_ID, &id, sizeof(id));
    if (bridge)
        attribute(m, NOXS_VIF_ATTR_BRIDGE, bridge, strlen(bridge) + 1);
    end_nest(m, data);
    end_nest(m, info);
}

struct seen {
    unsigned int nr;
    struct rtnl_link last;
};

static void note(void *opaque, const struct rtnl_link *link)
{
    struct seen *seen = opaque;

    seen->nr++;
    seen->last = *link;
}

static void test_vif(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};
    const int master = 9;
    struct vif vif;

    (void)state;
    begin_link(&m, 12, IFF_UP);
    attribute(&m, IFLA_IFNAME, "vif7.1", 7);
    attribute(&m, IFLA_MASTER, &master, sizeof(master));
    add_vif(&m, 7, 1, "xenbr0");
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(seen.nr, 1);
    assert_int_equal(seen.last.ifindex, 12);
    assert_int_equal(seen.last.master, 9);
    assert_true(seen.last.up);
    assert_string_equal(seen.last.ifname, "vif7.1");
    assert_true(vif_identify(&seen.last, &vif));
    assert_int_equal(vif.domid, 7);
    assert_int_equal(vif.id, 1);
    assert_string_equal(vif.bridge, "xenbr0");
}

static void test_other_links(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};
    uint16_t domid = 7;
    struct vif vif;
    size_t info, data;

    (void)state;
    begin_link(&m, 1, 0);
    attribute(&m, IFLA_IFNAME, "lo", 3);
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_false(vif_identify(&seen.last, &vif));
    /* our kind without an id is not ours to handle */
    m.length = 0;
    begin_link(&m, 2, 0);
    info = nest(&m, IFLA_LINKINFO);
    data = nest(&m, IFLA_INFO_DATA); /* before the kind */
    attribute(&m, NOXS_VIF_ATTR_DOMID, &domid, sizeof(domid));
    end_nest(&m, data);
    attribute(&m, IFLA_INFO_KIND, NOXS_VIF_KIND, sizeof(NOXS_VIF_KIND));
    end_nest(&m, info);
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_true(seen.last.has_domid);
    assert_false(vif_identify(&seen.last, &vif));
    /* another kind with data that would be nonsense in ours */
    m.length = 0;
    begin_link(&m, 3, 0);
    info = nest(&m, IFLA_LINKINFO);
    attribute(&m, IFLA_INFO_KIND, "a-kind-with-a-very-long-name", 29);
    attribute(&m, IFLA_INFO_DATA, "\1\0\1\0", 4);
    end_nest(&m, info);
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_string_equal(seen.last.kind, "");
    assert_int_equal(seen.nr, 3);
}

static void test_bridge_messages_are_skipped(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};

    (void)state;
    begin_link(&m, 12, 0);
    add_vif(&m, 7, 1, NULL);
    end(&m);
    m.bytes[NLMSG_HDRLEN] = 7; /* AF_BRIDGE */
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(seen.nr, 0);
}

/* A port that leaves its bridge, and what is told of a link that is none of ours. */
static void test_ports_and_bridges(void **state)
{
    static const unsigned char address[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct seen seen = {0}, left = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};
    struct message m = {.length = 0};
    const uint32_t group = 77, mtu = 9000;
    const int master = 9, peer = 10;
    const uint8_t filters = 1;
    size_t info, data;
    uint16_t type = RTM_DELLINK;

    (void)state;
    begin_link(&m, 12, 0);
    attribute(&m, IFLA_MASTER, &master, sizeof(master));
    attribute(&m, IFLA_ADDRESS, address, sizeof(address));
    end(&m);
    m.bytes[NLMSG_HDRLEN] = 7; /* AF_BRIDGE */
    memcpy(m.bytes + offsetof(struct nlmsghdr, nlmsg_type), &type, sizeof(type));
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0); /* who does not want to know */
    assert_int_equal(seen.nr, 0);
    reader.left = note;
    reader.opaque = &left;
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(left.nr, 1);
    assert_int_equal(left.last.ifindex, 12);
    assert_int_equal(left.last.master, 9);
    assert_true(vif_is_port(&left.last));
    m.bytes[NLMSG_HDRLEN] = 0; /* the link itself went */
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(left.nr, 1);

    m.length = 0;
    begin_link(&m, 13, IFF_UP);
    attribute(&m, IFLA_GROUP, &group, sizeof(group));
    attribute(&m, IFLA_MTU, &mtu, sizeof(mtu));
    attribute(&m, IFLA_LINK, &peer, sizeof(peer));
    info = nest(&m, IFLA_LINKINFO);
    attribute(&m, IFLA_INFO_KIND, "bridge", sizeof("bridge"));
    data = nest(&m, IFLA_INFO_DATA);
    attribute(&m, IFLA_BR_VLAN_FILTERING, &filters, sizeof(filters));
    end_nest(&m, data);
    end_nest(&m, info);
    end(&m);
    reader.opaque = &seen;
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(seen.nr, 1);
    assert_int_equal(seen.last.group, 77);
    assert_int_equal(seen.last.mtu, 9000);
    assert_int_equal(seen.last.peer, 10);
    assert_true(seen.last.filters_vlans);
    assert_false(vif_is_port(&seen.last));
}

static void test_answers(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};
    int error = 0;

    (void)state;
    begin(&m, NLMSG_ERROR, 0);
    append(&m, &error, sizeof(error));
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_true(reader.answered);
    assert_int_equal(reader.error, 0);

    error = -EXFULL;
    memcpy(m.bytes + NLMSG_HDRLEN, &error, sizeof(error));
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(reader.error, EXFULL);

    error = INT32_MIN;
    memcpy(m.bytes + NLMSG_HDRLEN, &error, sizeof(error));
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(reader.error, EPROTO);
}

static void test_dump(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};

    (void)state;
    for (int i = 1; i <= 3; i++) {
        begin_link(&m, i, 0);
        add_vif(&m, (uint16_t)i, 0, NULL);
        end(&m);
    }
    begin(&m, NLMSG_DONE, NLM_F_DUMP_INTR);
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), 0);
    assert_int_equal(seen.nr, 3);
    assert_true(reader.done);
    assert_true(reader.interrupted);
}

/* Cut anywhere, a message is refused or says less; what lies behind the cut is never read. */
static void test_truncated_anywhere(void **state)
{
    struct message m = {.length = 0};
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};

    (void)state;
    begin_link(&m, 12, 0);
    attribute(&m, IFLA_IFNAME, "vif7.1", 7);
    add_vif(&m, 7, 1, "xenbr0");
    end(&m);
    for (size_t length = 1; length < m.length; length++) {
        unsigned char *copy = test_malloc(length); /* ends where the sanitizer watches */

        memcpy(copy, m.bytes, length);
        assert_int_equal(rtnl_parse(&reader, copy, length), -EBADMSG);
        test_free(copy);
    }
    assert_int_equal(seen.nr, 0);
}

static void test_malformed(void **state)
{
    struct seen seen = {0};
    struct rtnl_reader reader = {.link = note, .opaque = &seen};
    struct message m = {.length = 0};

    (void)state;
    begin_link(&m, 1, 0);
    attribute(&m, IFLA_IFNAME, "0123456789abcdef", 16); /* no NUL */
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), -EBADMSG);

    m.length = 0;
    begin_link(&m, 1, 0);
    attribute(&m, IFLA_MASTER, "\1\2", 2);
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), -EBADMSG);

    m.length = 0;
    begin_link(&m, 1, 0);
    add_vif(&m, 7, 1, "a-bridge-name-too-long");
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), -EBADMSG);

    m.length = 0;
    begin_link(&m, 1, 0);
    append(&m, "\3\0\3\0", 4); /* an attribute shorter than its header */
    end(&m);
    assert_int_equal(rtnl_parse(&reader, m.bytes, m.length), -EBADMSG);
    assert_int_equal(seen.nr, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vif),
        cmocka_unit_test(test_other_links),
        cmocka_unit_test(test_bridge_messages_are_skipped),
        cmocka_unit_test(test_ports_and_bridges),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_dump),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests_name("rtnl_parse", tests, NULL, NULL);
}
