/* SPDX-License-Identifier: BSD-3-Clause */
/* "Saturday, November 21, 2026 03:30:12-UTC" and a line end, as RFC 867 suggests. */
#ifndef DAYTIME_DATE_H
#define DAYTIME_DATE_H

#include "kernel/lib.h"

int date_format(char *text, size_t size, uint64_t seconds);

#endif
