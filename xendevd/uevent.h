/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's announcements of devices, of which only those of XenStore back-ends get through. */
#ifndef XENDEVD_UEVENT_H
#define XENDEVD_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

/* Strings point into the message. */
struct uevent {
    const char *action; /* "online" */
    const char *type;   /* "vif", "vbd" */
    const char *path;   /* of the back-end, below dom0's home: "backend/vif/7/0" */
    const char *script; /* "": it says none */
};

/* False: it is not about a back-end. The message is changed: its end becomes a NUL. */
bool uevent_parse(char *message, size_t length, struct uevent *out);

/* A socket for them. Negative errno if there cannot be one. */
int uevent_open(void);

/* Reads one message into room. -EAGAIN: there is none; -ENOBUFS: some were lost. */
int uevent_read(int fd, char *room, size_t size);

#endif
