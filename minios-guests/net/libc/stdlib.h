/* SPDX-License-Identifier: BSD-3-Clause */
/* For lwIP, which includes it by its standard name. */
#include "kernel/lib.h"
