// SPDX-License-Identifier: BSD-3-Clause
/* chaosd.conf. */
#include <stdlib.h>

#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chaos_error err = {0};
    struct settings settings;

    settings_default(&settings);
    if (settings_parse("fuzz", (const char *)data, size, &settings, &err) == 0) {
        for (size_t i = 0; i < settings.nr_pools; i++)
            if (pool_settings_check(&settings.pools[i], &err) < 0)
                abort();
    } else if (err.code >= 0 || !err.text[0]) {
        abort();
    }
    settings_free(&settings);
    return 0;
}
