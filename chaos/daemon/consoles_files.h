/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Consoles in files, if the configuration names a folder for them (console_logs): NAME.log, and
 * NAME.log.1 once that has its size. A worker writes them, some times a second.
 */
#ifndef CHAOSD_CONSOLES_FILES_H
#define CHAOSD_CONSOLES_FILES_H

#include "consoles.h"

#define FILES_DELAY_NS 200000000u

void files_init(struct consoles *consoles);
/* Writes what is left. */
void files_fini(struct consoles *consoles);
/* There is new output. */
void files_note(struct console *console);
void files_forget(struct console *console);

#endif
