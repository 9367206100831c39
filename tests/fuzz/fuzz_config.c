// SPDX-License-Identifier: BSD-3-Clause
#include "check_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chaos_config_options options = {.strict = size % 7 == 0};
    struct chaos_config config, untouched;
    struct chaos_error err = {0};

    memset(&config, 0x5a, sizeof(config));
    memcpy(&untouched, &config, sizeof(config));
    if (chaos_config_parse("f", (const char *)data, size, NULL, 0, &options, &config, &err)) {
        check_error(&err);
        require(memcmp(&config, &untouched, sizeof(config)) == 0);
    } else {
        check_config(&config);
    }
    return 0;
}
