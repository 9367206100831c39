// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chaos_error err = {0};
    struct chaos_config config;
    struct record record;
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (record_parse(text, size, &record, &err) == 0) {
        if (record.domid >= 0x7ff0 || record.config < text ||
            record.config + record.config_length != text + size)
            abort();
        if (record_config(&record, &config, &err) == 0)
            chaos_config_free(&config);
    } else if (err.code >= 0 || !err.text[0]) {
        abort();
    }
    free(text);
    return 0;
}
