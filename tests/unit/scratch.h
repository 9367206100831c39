/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of a test's own. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

/* Makes it; the path stays valid until scratch_remove. */
const char *scratch_make(void);
void scratch_remove(void);
/* Writes a file into it; a path that is valid until the next call. */
const char *scratch_file(const char *name, const void *bytes, size_t length);
/* How many entries a folder in it has. */
size_t scratch_count(const char *folder);

#endif
