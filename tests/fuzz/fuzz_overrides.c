// SPDX-License-Identifier: BSD-3-Clause
/* The input is a list of arguments, a NUL between each two. */
#include "check_config.h"

#define ARGUMENTS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char base[] = "name='g'; kernel='/k'; memory=4";
    const char *arguments[ARGUMENTS_MAX];
    char *text = malloc(size + 1);
    size_t nr = 0;
    struct chaos_config config;
    struct chaos_error err = {0};

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *at = text; at <= text + size && nr < ARGUMENTS_MAX; at += strlen(at) + 1)
        arguments[nr++] = at;
    if (chaos_config_parse("f", base, sizeof(base) - 1, arguments, nr, NULL, &config, &err))
        check_error(&err);
    else
        check_config(&config);
    free(text);
    return 0;
}
