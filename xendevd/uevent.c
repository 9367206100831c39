// SPDX-License-Identifier: BSD-3-Clause
#include "uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "netlink.h"

#define UEVENT_BUFFER (4 << 20)
#define FROM_KERNEL   1 /* multicast group */

static const char *value_of(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncmp(line, name, length) == 0 && line[length] == '=' ? line + length + 1 : NULL;
}

bool uevent_parse(char *message, size_t length, struct uevent *out)
{
    static const char *const names[] = {"ACTION", "XENBUS_TYPE", "XENBUS_PATH", "script"};
    const char *found[4] = {"", "", "", ""}, *value;
    char *line, *end = message + length;
    bool back_end = false;
    size_t i;

    if (length == 0)
        return false;
    end[-1] = '\0'; /* as it is in a good one */
    for (line = message; line < end; line += strlen(line) + 1) {
        for (i = 0; i < 4; i++)
            if ((value = value_of(line, names[i])))
                found[i] = value;
        if ((value = value_of(line, "SUBSYSTEM")))
            back_end = strcmp(value, "xen-backend") == 0;
    }
    *out = (struct uevent){found[0], found[1], found[2], found[3]};
    return back_end && *out->action && *out->type && *out->path;
}

#define LOAD(offset)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define IS(word, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, yes, no)
#define WORD(a, b, c, d)                                                                           \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/*
 * Passes messages that start with online@/devices/vif- or add@/devices/vbd-. All others, of which a
 * host has many, need not wake us.
 */
int uevent_open(void)
{
    struct sock_filter program[] = {
        LOAD(0),
        IS(WORD('a', 'd', 'd', '@'), 7, 0),
        IS(WORD('o', 'n', 'l', 'i'), 0, 10),
        LOAD(4),
        IS(WORD('n', 'e', '@', '/'), 0, 8),
        LOAD(12),
        IS(WORD('c', 'e', 's', '/'), 0, 6),
        LOAD(16),
        IS(WORD('v', 'i', 'f', '-'), 5, 4),
        LOAD(4),
        IS(WORD('/', 'd', 'e', 'v'), 0, 2),
        LOAD(12),
        IS(WORD('/', 'v', 'b', 'd'), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    const struct netlink_events events = {
        .protocol = NETLINK_KOBJECT_UEVENT,
        .groups = FROM_KERNEL,
        .buffer = UEVENT_BUFFER,
        .program = {.len = sizeof(program) / sizeof(program[0]), .filter = program},
    };

    return netlink_open_events(&events);
}

int uevent_read(int fd, char *room, size_t size)
{
    struct sockaddr_nl from;
    struct iovec data = {room, size};
    struct msghdr message = {.msg_name = &from, .msg_iov = &data, .msg_iovlen = 1};

    for (;;) {
        ssize_t r;

        message.msg_namelen = sizeof(from);
        r = recvmsg(fd, &message, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (message.msg_namelen != sizeof(from) || from.nl_pid != 0)
            continue; /* not from the kernel */
        return message.msg_flags & MSG_TRUNC ? -ENOBUFS : (int)r;
    }
}
