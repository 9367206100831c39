// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "shell_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shell *shell = calloc(1, sizeof(*shell));
    char *text = malloc(size + 1);
    struct text again;
    char room[64];

    memcpy(text, data, size);
    text[size] = '\0';
    /* What it takes for a shell, it writes as it was. */
    if (shell_record_parse(text, size, shell)) {
        text_begin(&again, room, sizeof(room));
        shell_record_format(shell, &again);
        if (!text_end(&again) || shell->memory.nr == 0)
            abort();
        text_release(&again);
    }
    memory_release(&shell->memory);
    free(shell);
    free(text);
    return 0;
}
