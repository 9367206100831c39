/* SPDX-License-Identifier: BSD-3-Clause */
/* What is kept about a shell, so that a later process can take it over. */
#ifndef CHAOS_SHELL_RECORD_H
#define CHAOS_SHELL_RECORD_H

#include "create.h"

/* Adds the record of a shell that is ready to a text that is empty. */
void shell_record_format(const struct shell *shell, struct text *text);
/* False: it is damaged, of another version, or of a shell that never was ready. Releases nothing:
 * memory may hold extents either way. text[length] is NUL. */
bool shell_record_parse(const char *text, size_t length, struct shell *shell);

/* shell_kind.c: which kind a shell of the flavour is; lays out what the kind needs. */
void shell_set_kind(struct shell *shell);

#endif
