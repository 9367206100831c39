// SPDX-License-Identifier: BSD-3-Clause
/*
 * Golden test of the configuration parser: for each NAME.cfg in the folder given (with NAME.args,
 * one override a line, if that exists) the JSON, warnings and errors must equal NAME.expected.
 * CHAOS_UPDATE_GOLDEN=1 writes these files instead.
 */
#include <chaos/config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 32

static void print_warning(void *opaque, const char *text)
{
    fprintf(opaque, "warning: %s\n", text);
}

static void print_piece(void *opaque, const char *text, size_t length)
{
    fwrite(text, 1, length, opaque);
}

/* The words of NAME.args, a line each; *text is their memory. */
static size_t read_args(const char *path, const char *args[ARGS_MAX], char text[4096])
{
    FILE *f = fopen(path, "r");
    size_t nr = 0, length;

    if (!f)
        return 0;
    length = fread(text, 1, 4095, f);
    fclose(f);
    text[length] = '\0';
    for (char *line = strtok(text, "\n"); line && nr < ARGS_MAX; line = strtok(NULL, "\n"))
        args[nr++] = line;
    return nr;
}

static char *outcome(const char *base)
{
    char path[300], args_path[300], words[4096], *result = NULL;
    const char *args[ARGS_MAX];
    struct chaos_config_options options = {.warning = print_warning};
    struct chaos_config config;
    struct chaos_error err;
    size_t nr_args, size;
    FILE *out = open_memstream(&result, &size);

    snprintf(path, sizeof(path), "%s.cfg", base);
    snprintf(args_path, sizeof(args_path), "%s.args", base);
    options.strict = strncmp(base, "strict", 6) == 0;
    options.opaque = out;
    nr_args = read_args(args_path, args, words);
    if (chaos_config_load(path, args, nr_args, &options, &config, &err)) {
        fprintf(out, "exit %d\n%s\n", (int)err.exit, err.text);
    } else {
        chaos_config_json(&config, print_piece, out);
        chaos_config_free(&config);
    }
    fclose(out);
    return result;
}

static int check(const char *base)
{
    char path[300], expected[16384];
    char *actual = outcome(base);
    FILE *f;
    size_t length;
    int failed;

    snprintf(path, sizeof(path), "%s.expected", base);
    if (getenv("CHAOS_UPDATE_GOLDEN")) {
        f = fopen(path, "w");
        if (f)
            fputs(actual, f);
        failed = !f || fclose(f) != 0;
    } else {
        f = fopen(path, "r");
        length = f ? fread(expected, 1, sizeof(expected) - 1, f) : 0;
        expected[length] = '\0';
        if (f)
            fclose(f);
        failed = !f || strcmp(actual, expected) != 0;
        if (failed)
            printf("FAILED %s\n--- expected\n%s--- actual\n%s", base, expected, actual);
    }
    free(actual);
    return failed;
}

int main(int argc, char **argv)
{
    int cases = 0, failed = 0;
    DIR *dir = argc == 2 && chdir(argv[1]) == 0 ? opendir(".") : NULL;

    if (!dir) {
        fprintf(stderr, "usage: golden_config FOLDER\n");
        return 2;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t length = strlen(e->d_name);
        char base[256];

        if (length < 5 || strcmp(e->d_name + length - 4, ".cfg") != 0)
            continue;
        memcpy(base, e->d_name, length - 4);
        base[length - 4] = '\0';
        cases++;
        failed += check(base);
    }
    closedir(dir);
    printf("%d cases, %d failed\n", cases, failed);
    return failed || cases == 0;
}
