// SPDX-License-Identifier: BSD-3-Clause
#include "scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

const char *scratch_make(void)
{
    snprintf(path, sizeof(path), "/dev/shm/chaos-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_entry(const char *entry, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(entry);
}

void scratch_remove(void)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_file(const char *name, const void *bytes, size_t length)
{
    static char file[128];
    FILE *stream;

    snprintf(file, sizeof(file), "%s/%s", path, name);
    stream = fopen(file, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
    return file;
}

size_t scratch_count(const char *folder)
{
    char name[128];
    struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    snprintf(name, sizeof(name), "%s/%s", path, folder);
    dir = opendir(name);
    if (!dir)
        return 0;
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}
