/* SPDX-License-Identifier: BSD-3-Clause */
/* What the table code uses of Xen's library. */
#ifndef STUB_XEN_LIB_H
#define STUB_XEN_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ACCESS_ONCE(x) (*(volatile __typeof__(x) *)&(x))

#endif
