/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef XENDEVD_READY_H
#define XENDEVD_READY_H

/* Tells the service manager in NOTIFY_SOCKET, if there is one, that we are ready. */
void ready_notify(void);

#endif
