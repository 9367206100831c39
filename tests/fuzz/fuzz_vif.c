// SPDX-License-Identifier: BSD-3-Clause
#include "check_config.h"
#include "config_vif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_place place = {"f", 1};
    struct config_report report;
    struct chaos_vif_config vif;
    char *spec = malloc(size + 1);

    if (!spec)
        return 0;
    memcpy(spec, data, size);
    spec[size] = '\0';
    config_report_init(&report, NULL);
    if (config_vif_parse(&report, place, 3, spec, &vif)) {
        require(report.errors == 0);
        check_vif(&vif);
    } else {
        require(report.errors == 1);
    }
    free(spec);
    return 0;
}
