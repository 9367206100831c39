/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0, without the daemon: prepares shells for a configuration, then puts a guest into
 * each, and prints what every step took, in us: the median of the first and of the last tenth.
 * Destroys them all unless it is to keep them.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <chaos/config.h>
#include <chaos/domain.h>

#include "image_cache.h"
#include "shell.h"

struct options {
    unsigned int count;
    bool warm, cold, keep;
    const char *config;
};

/* Times of one kind of operation, each as a row of steps; the last column is all of it. */
struct table {
    const char *what;
    unsigned int nr_steps, nr;
    const char *step[CHAOS_TIMING_MAX + 1];
    uint64_t *ns; /* nr rows of CHAOS_TIMING_MAX + 1 */
};

static struct chaos_error err;

static void die(const char *what)
{
    fprintf(stderr, "bench-shells: %s: %s\n", what, err.text);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void *allocate(size_t nr, size_t size)
{
    void *memory = calloc(nr, size);

    if (!memory) {
        perror("bench-shells");
        exit(1);
    }
    return memory;
}

static struct table table_new(const char *what, unsigned int count)
{
    return (struct table){.what = what,
                          .ns = allocate(count, (CHAOS_TIMING_MAX + 1) * sizeof(uint64_t))};
}

static void add_row(struct table *table, const struct chaos_timing *timing, uint64_t end_ns)
{
    uint64_t *row = table->ns + table->nr++ * (CHAOS_TIMING_MAX + 1), from = timing->start_ns;
    unsigned int i;

    table->nr_steps = timing->nr;
    for (i = 0; i < timing->nr; i++) {
        table->step[i] = timing->step[i].name;
        row[i] = timing->step[i].end_ns - from;
        from = timing->step[i].end_ns;
    }
    row[CHAOS_TIMING_MAX] = end_ns - timing->start_ns;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static double median_us(const struct table *table, unsigned int first, unsigned int nr,
                        unsigned int column)
{
    uint64_t *sorted = allocate(nr, sizeof(*sorted)), median;
    unsigned int i;

    for (i = 0; i < nr; i++)
        sorted[i] = table->ns[(first + i) * (CHAOS_TIMING_MAX + 1) + column];
    qsort(sorted, nr, sizeof(*sorted), compare);
    median = sorted[nr / 2];
    free(sorted);
    return (double)median / 1e3;
}

static void print_line(const struct table *table, const char *name, unsigned int column)
{
    unsigned int tenth = table->nr < 10 ? table->nr : table->nr / 10;

    printf("%-8s %-10s %9.1f %9.1f\n", table->what, name, median_us(table, 0, tenth, column),
           median_us(table, table->nr - tenth, tenth, column));
}

static void print_table(const struct table *table)
{
    unsigned int i;

    if (table->nr == 0)
        return;
    for (i = 0; i < table->nr_steps; i++)
        print_line(table, table->step[i], i);
    print_line(table, "total", CHAOS_TIMING_MAX);
}

static void pause_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    nanosleep(&time, NULL); /* the guests have their turn, and Xen scrubs */
}

/* The n-th guest: a name and an address of its own. */
static void personalize(struct chaos_config *config, unsigned int n)
{
    static char cmdline[64];

    snprintf(config->name, sizeof(config->name), "shell-%u", n);
    if (config->nr_vifs > 0) {
        snprintf(cmdline, sizeof(cmdline), "ip=10.1.%u.%u/16", n / 250, n % 250 + 2);
        config->cmdline = cmdline;
    }
}

static void prepare_all(struct chaos *chaos, const struct flavour *flavour, struct shell **shells,
                        unsigned int count)
{
    struct table prepare = table_new("prepare", count);
    struct chaos_timing timing;
    unsigned int n;

    for (n = 0; n < count; n++) {
        if (shell_prepare(chaos, flavour, &timing, &shells[n], &err) < 0)
            die("prepare");
        add_row(&prepare, &timing, now_ns());
    }
    print_table(&prepare);
    free(prepare.ns);
}

static void run_shells(struct chaos *chaos, struct chaos_config *config, const struct options *how)
{
    struct table execute = table_new("execute", how->count),
                 finish = table_new("finish", how->count);
    struct shell **shells = allocate(how->count, sizeof(struct shell *));
    struct chaos_timing timing;
    const struct chaos_create_options options = {.timing = &timing};
    struct chaos_domain domain;
    struct flavour flavour;
    unsigned int n;
    bool intact;

    if (!flavour_of(config, &flavour)) {
        fprintf(stderr, "bench-shells: no shell can become this guest\n");
        exit(1);
    }
    if (how->warm)
        snprintf(flavour.kernel, sizeof(flavour.kernel), "%s", config->kernel);
    prepare_all(chaos, &flavour, shells, how->count);
    for (n = 0; n < how->count; n++) {
        personalize(config, n);
        pause_ms(2);
        if (shell_execute(chaos, shells[n], config, &options, &domain, &intact, &err) < 0)
            die("execute");
        add_row(&execute, &timing, now_ns());
        timing.nr = 0;
        timing.start_ns = now_ns();
        shell_finish(chaos, shells[n]);
        add_row(&finish, &timing, now_ns());
    }
    print_table(&execute);
    print_table(&finish);
    free(execute.ns);
    free(finish.ns);
    free(shells);
}

static void run_cold(struct chaos *chaos, struct chaos_config *config, const struct options *how)
{
    struct table create = table_new("create", how->count);
    struct chaos_timing timing;
    const struct chaos_create_options options = {.timing = &timing};
    unsigned int n;

    for (n = 0; n < how->count; n++) {
        personalize(config, n);
        pause_ms(2);
        if (chaos_domain_create(chaos, config, &options, NULL, &err) < 0)
            die("create");
        add_row(&create, &timing, now_ns());
    }
    print_table(&create);
    free(create.ns);
}

/* A guest that does not run would make all of this meaningless. */
static void check_up(struct chaos *chaos, struct chaos_config *config, unsigned int count)
{
    struct chaos_domain_times times;
    struct chaos_domain domain;
    unsigned int n, up = 0;

    pause_ms(200);
    for (n = 0; n < count; n++) {
        personalize(config, n);
        if (chaos_domain_find(chaos, config->name, &domain, &err) < 0 ||
            chaos_domain_times(chaos, &domain, &times, &err) < 0)
            die("look");
        up += times.ready_ns != 0;
    }
    printf("%-8s %-10s %9u of %u\n", "guests", "up", up, count);
}

static void destroy_all(struct chaos *chaos, struct chaos_config *config, unsigned int count)
{
    struct table destroy = table_new("destroy", count);
    struct chaos_timing timing = {0};
    struct chaos_domain domain;
    unsigned int n;

    for (n = 0; n < count; n++) {
        personalize(config, n);
        timing.start_ns = now_ns();
        if (chaos_domain_find(chaos, config->name, &domain, &err) < 0 ||
            chaos_domain_destroy(chaos, &domain, false, &err) < 0)
            die("destroy");
        add_row(&destroy, &timing, now_ns());
    }
    print_table(&destroy);
    free(destroy.ns);
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"count", required_argument, NULL, 'n'},
        {"warm", no_argument, NULL, 'w'},
        {"cold", no_argument, NULL, 'c'},
        {"keep", no_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct options how = {.count = 100};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        if (option == 'n')
            how.count = (unsigned int)strtoul(optarg, NULL, 10);
        else if (option == 'w')
            how.warm = true;
        else if (option == 'c')
            how.cold = true;
        else if (option == 'k')
            how.keep = true;
        else
            exit(2);
    }
    if (optind + 1 != argc || how.count == 0) {
        fprintf(stderr, "usage: bench-shells [--count N] [--warm | --cold] [--keep] CONFIG\n");
        exit(2);
    }
    how.config = argv[optind];
    return how;
}

int main(int argc, char **argv)
{
    const struct options how = parse(argc, argv);
    const struct chaos_config_options options = {0};
    struct chaos_config config;
    struct image_cache *images;
    struct chaos *chaos;
    char *cmdline;

    if (chaos_config_load(how.config, NULL, 0, &options, &config, &err) < 0)
        die(how.config);
    if (chaos_open(&chaos, &err) < 0)
        die("open");
    images = how.cold ? NULL : image_cache_new();
    if (!how.cold && !images)
        die("no memory for images");
    shell_keep_images(chaos, images);
    cmdline = config.cmdline;
    printf("%-8s %-10s %9s %9s\n", "what", "step", "first us", "last us");
    if (how.cold)
        run_cold(chaos, &config, &how);
    else
        run_shells(chaos, &config, &how);
    check_up(chaos, &config, how.count);
    if (!how.keep)
        destroy_all(chaos, &config, how.count);
    config.cmdline = cmdline;
    chaos_config_free(&config);
    chaos_close(chaos);
    image_cache_free(images);
    return 0;
}
