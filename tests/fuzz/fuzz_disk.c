// SPDX-License-Identifier: BSD-3-Clause
#include "check_config.h"
#include "config_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_place place = {"f", 1};
    struct config_report report;
    struct chaos_disk_config disk;
    bool out_of_memory = false;
    char *spec = malloc(size + 1);

    if (!spec)
        return 0;
    memcpy(spec, data, size);
    spec[size] = '\0';
    config_report_init(&report, NULL);
    if (config_disk_parse(&report, place, 3, spec, &disk, &out_of_memory)) {
        require(report.errors == 0);
        check_disk(&disk);
    } else {
        require(report.errors == 1);
    }
    free(disk.target);
    free(spec);
    return 0;
}
