/* SPDX-License-Identifier: BSD-3-Clause */
/* What lwIP wants to know of compiler and platform. */
#ifndef NET_ARCH_CC_H
#define NET_ARCH_CC_H

#include "guest.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_CTYPE_H    1
#define LWIP_NO_UNISTD_H   1

#define X8_F               "02x"
#define U16_F              "u"
#define S16_F              "d"
#define X16_F              "x"
#define U32_F              "u"
#define S32_F              "d"
#define X32_F              "x"
#define SZT_F              "zu"

#define SSIZE_MAX          INT64_MAX
typedef int64_t ssize_t;
#ifndef INT_MAX
#define INT_MAX __INT_MAX__
#endif

#define LWIP_PLATFORM_DIAG(x)   kprintf x
#define LWIP_PLATFORM_ASSERT(x) guest_crash("lwIP: %s", x)

uint32_t net_random(void);
#define LWIP_RAND() net_random()

#endif
