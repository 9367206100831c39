// SPDX-License-Identifier: BSD-3-Clause
/*
 * bench-client: asks chaosd for guests through <chaos/client.h>, and prints when each request was
 * made and how long its answer took: "client,n,start_us,create_us", times in microseconds, start
 * since the first request of all. The guests are destroyed at the end, out of the clock.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <chaos/client.h>

#define CLIENTS_MAX 256

struct run {
    const char *path, *prefix;
    char *text;
    size_t length;
    const char *const *overrides;
    size_t nr_overrides;
    uint32_t nr, clients, gap_ms, settle_ms;
    bool keep, cold;
    pthread_barrier_t start;
};

struct sample {
    uint64_t start_ns, end_ns;
};

struct worker {
    struct run *run;
    uint32_t index;
    pthread_t thread;
    struct chaos_client *client;
    struct sample *samples;
    uint32_t failed;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_ms(uint32_t ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    if (ms > 0)
        nanosleep(&time, NULL);
}

static void fail(const struct chaos_error *err)
{
    fprintf(stderr, "bench-client: %s\n", err->text);
}

static void create_one(struct worker *w, uint32_t n, const char **overrides)
{
    const struct run *run = w->run;
    const struct chaos_client_create request = {
        .config = run->text,
        .length = run->length,
        .source = run->path,
        .overrides = overrides,
        .nr_overrides = run->nr_overrides + 1,
        .cold = run->cold,
    };
    struct sample *sample = &w->samples[n];
    struct chaos_domain domain;
    struct chaos_error err;

    sample->start_ns = now_ns();
    if (chaos_client_create(w->client, &request, &domain, &err) < 0) {
        fail(&err);
        w->failed++;
    }
    sample->end_ns = now_ns();
}

static void *work(void *opaque)
{
    struct worker *w = opaque;
    struct run *run = w->run;
    const char **overrides = calloc(run->nr_overrides + 1, sizeof(*overrides));
    char name[96];

    if (!overrides)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < run->nr_overrides; i++)
        overrides[i] = run->overrides[i];
    overrides[run->nr_overrides] = name;
    pthread_barrier_wait(&run->start);
    for (uint32_t n = 0; n < run->nr; n++) {
        snprintf(name, sizeof(name), "name=%s-%u-%u", run->prefix, w->index, n);
        create_one(w, n, overrides);
        pause_ms(run->gap_ms);
    }
    free(overrides);
    return NULL;
}

static void destroy_all(struct worker *w)
{
    struct chaos_error err;
    char name[96];

    for (uint32_t n = 0; n < w->run->nr; n++) {
        snprintf(name, sizeof(name), "%s-%u-%u", w->run->prefix, w->index, n);
        if (chaos_client_destroy(w->client, name, false, NULL, &err) < 0)
            fail(&err);
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The CSV, and one line about it all. */
static void print(const struct worker *workers, const struct run *run)
{
    const size_t total = (size_t)run->nr * run->clients;
    uint64_t first = UINT64_MAX, last = 0, *times = calloc(total, sizeof(*times));
    size_t nr = 0;

    if (!times)
        exit(EXIT_FAILURE);
    for (uint32_t c = 0; c < run->clients; c++)
        for (uint32_t n = 0; n < run->nr; n++) {
            const struct sample *s = &workers[c].samples[n];

            first = s->start_ns < first ? s->start_ns : first;
            last = s->end_ns > last ? s->end_ns : last;
            times[nr++] = s->end_ns - s->start_ns;
        }
    printf("client,n,start_us,create_us\n");
    for (uint32_t c = 0; c < run->clients; c++)
        for (uint32_t n = 0; n < run->nr; n++) {
            const struct sample *s = &workers[c].samples[n];

            printf("%u,%u,%.1f,%.1f\n", c, n, (double)(s->start_ns - first) / 1e3,
                   (double)(s->end_ns - s->start_ns) / 1e3);
        }
    qsort(times, total, sizeof(*times), compare);
    fprintf(stderr, "%zu creates in %.3f ms: %.1f a second; us: p50 %.1f p99 %.1f max %.1f\n",
            total, (double)(last - first) / 1e6, (double)total * 1e9 / (double)(last - first),
            (double)times[total / 2] / 1e3, (double)times[total * 99 / 100] / 1e3,
            (double)times[total - 1] / 1e3);
    free(times);
}

static int measure(struct run *run)
{
    static struct worker workers[CLIENTS_MAX];
    struct chaos_error err;
    uint32_t c, failed = 0;

    pthread_barrier_init(&run->start, NULL, run->clients);
    for (c = 0; c < run->clients; c++) {
        workers[c] = (struct worker){.run = run, .index = c};
        workers[c].samples = calloc(run->nr, sizeof(*workers[c].samples));
        if (!workers[c].samples)
            return EXIT_FAILURE;
        if (chaos_client_open(NULL, &workers[c].client, &err) < 0) {
            fail(&err);
            return EXIT_FAILURE;
        }
    }
    pause_ms(run->settle_ms);
    for (c = 0; c < run->clients; c++)
        pthread_create(&workers[c].thread, NULL, work, &workers[c]);
    for (c = 0; c < run->clients; c++) {
        pthread_join(workers[c].thread, NULL);
        failed += workers[c].failed;
    }
    print(workers, run);
    for (c = 0; c < run->clients; c++)
        if (!run->keep)
            destroy_all(&workers[c]);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void usage(void)
{
    fprintf(stderr, "usage: bench-client [OPTION...] FILE [KEY=VALUE...]\n"
                    "  -n N       creates of each client (100)\n"
                    "  -c N       clients at once (1)\n"
                    "  -g MS      gap between two creates of a client (0)\n"
                    "  -s MS      wait before the first (0)\n"
                    "  -p PREFIX  of the guests' names (b): PREFIX-CLIENT-N\n"
                    "  -k         keep the guests\n"
                    "  -x         the cold way, not out of a pool\n");
}

int main(int argc, char **argv)
{
    struct run run = {.nr = 100, .clients = 1, .prefix = "b"};
    struct chaos_error err;
    int letter;

    while ((letter = getopt(argc, argv, "n:c:g:s:p:kxh")) != -1)
        switch (letter) {
        case 'n':
            run.nr = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            run.clients = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'g':
            run.gap_ms = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 's':
            run.settle_ms = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'p':
            run.prefix = optarg;
            break;
        case 'k':
            run.keep = true;
            break;
        case 'x':
            run.cold = true;
            break;
        default:
            usage();
            return 2;
        }
    if (optind == argc || run.nr == 0 || run.clients == 0 || run.clients > CLIENTS_MAX) {
        usage();
        return 2;
    }
    run.path = argv[optind];
    run.overrides = (const char *const *)argv + optind + 1;
    run.nr_overrides = (size_t)(argc - optind - 1);
    if (chaos_config_read(run.path, &run.text, &run.length, &err) < 0) {
        fail(&err);
        return EXIT_FAILURE;
    }
    return measure(&run);
}
