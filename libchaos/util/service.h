/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAOS_SERVICE_H
#define CHAOS_SERVICE_H

/* "READY=1", "STATUS=..." to the service manager in NOTIFY_SOCKET, if there is one: sd_notify(3).
 */
void service_notify(const char *text);

#endif
