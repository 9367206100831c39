/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of ioctls without a C library, so that -m32 needs none for 32 bits. */
#include <asm-generic/ioctl.h>
