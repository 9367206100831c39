/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in dom0: one or more clients of chaosd create guests through the public client library, each
 * the next as soon as it has its answer. Prints each answer's time, and when all guests were there
 * and the pools full again. {n} and {ip} in the statements are replaced for each guest.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chaos/client.h>

#include "series.h"

#define CONFIG_MAX     65536
#define OVERRIDES_MAX  16
#define POLL_US        5000
#define FULL_WITHIN_NS INT64_C(120000000000)

struct job {
    unsigned int count, clients;
    long gap_us;
    const char *path, *overrides[OVERRIDES_MAX];
    size_t nr_overrides;
    char text[CONFIG_MAX];
    size_t length;
};

struct answer {
    int64_t start_ns, end_ns;
    unsigned int client;
    bool failed;
};

struct pool_sums {
    uint64_t hits, misses;
    bool full;
};

static struct chaos_error err;

static void die(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, err.text);
    exit(1);
}

static struct chaos_client *connected(void)
{
    struct chaos_client *client;

    if (chaos_client_open(NULL, &client, &err) < 0)
        die("chaosd");
    return client;
}

static struct pool_sums look_at_pools(struct chaos_client *client)
{
    struct pool_sums sums = {.full = true};
    struct chaos_pool *pools;
    size_t nr;

    if (chaos_client_pools(client, &pools, &nr, &err) < 0)
        die("pools");
    for (size_t i = 0; i < nr; i++) {
        sums.hits += pools[i].hits;
        sums.misses += pools[i].misses;
        sums.full &= pools[i].level >= pools[i].target;
    }
    free(pools);
    return sums;
}

/* When the pools are at their levels, to POLL_US. */
static int64_t full_at(struct chaos_client *client)
{
    int64_t start = monotonic_ns();

    while (!look_at_pools(client).full) {
        if (monotonic_ns() - start > FULL_WITHIN_NS) {
            fputs("client: the pools do not become full\n", stderr);
            exit(1);
        }
        sleep_us(POLL_US);
    }
    return monotonic_ns();
}

static bool create(struct chaos_client *client, const struct job *job, unsigned int n,
                   struct answer *answer)
{
    const char *overrides[OVERRIDES_MAX];
    struct chaos_client_create request = {.config = job->text,
                                          .length = job->length,
                                          .source = job->path,
                                          .overrides = overrides,
                                          .nr_overrides = job->nr_overrides};
    struct chaos_domain domain;

    for (size_t i = 0; i < job->nr_overrides; i++)
        overrides[i] = expand(job->overrides[i], n);
    answer->start_ns = monotonic_ns();
    answer->failed = chaos_client_create(client, &request, &domain, &err) < 0;
    answer->end_ns = monotonic_ns();
    for (size_t i = 0; i < job->nr_overrides; i++)
        free((char *)overrides[i]);
    if (answer->failed)
        fprintf(stderr, "client: guest %u: %s\n", n, err.text);
    return !answer->failed;
}

/* Client k makes guests k + 1, k + 1 + clients, ... once its pipe says that all are connected. */
static void be_client(const struct job *job, unsigned int k, int ready, int go,
                      struct answer *answers)
{
    struct chaos_client *client = connected();
    char byte = 0;

    if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 0)
        exit(1);
    for (unsigned int i = k; i < job->count; i += job->clients) {
        answers[i].client = k;
        if (!create(client, job, i + 1, &answers[i]))
            exit(1);
        if (job->gap_us)
            sleep_us(job->gap_us);
    }
    chaos_client_close(client);
    exit(0);
}

/* Forks the clients, lets them all begin at once, and waits for their end. */
static int run_clients(const struct job *job, struct answer *answers, int64_t *start_ns)
{
    int ready[2], go[2], rc = 0;

    if (pipe(ready) || pipe(go)) {
        perror("client: pipe");
        return 1;
    }
    for (unsigned int k = 0; k < job->clients; k++) {
        if (fork() == 0) {
            close(go[1]);
            be_client(job, k, ready[1], go[0], answers);
        }
    }
    close(ready[1]);
    for (unsigned int k = 0; k < job->clients; k++) {
        char byte;

        rc |= read(ready[0], &byte, 1) != 1;
    }
    *start_ns = monotonic_ns();
    close(go[1]);
    for (unsigned int k = 0; k < job->clients; k++) {
        int status = 1;

        wait(&status);
        rc |= status != 0;
    }
    return rc;
}

static int run(const struct job *job)
{
    struct answer *answers = mmap(NULL, job->count * sizeof(*answers), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct chaos_client *watcher = connected();
    int64_t start_ns, answered_ns, full_ns;
    struct pool_sums before, after;

    if (answers == MAP_FAILED) {
        perror("client: mmap");
        return 1;
    }
    full_at(watcher);
    before = look_at_pools(watcher);
    if (run_clients(job, answers, &start_ns))
        return 1;
    answered_ns = monotonic_ns();
    full_ns = full_at(watcher);
    after = look_at_pools(watcher);
    printf("# answered_ms=%.4f full_ms=%.4f hits=%" PRIu64 " misses=%" PRIu64 "\n",
           (double)(answered_ns - start_ns) / 1e6, (double)(full_ns - start_ns) / 1e6,
           after.hits - before.hits, after.misses - before.misses);
    puts("n,create_ms,boot_ms,client");
    for (unsigned int i = 0; i < job->count; i++)
        printf("%u,%.4f,,%u\n", i + 1, (double)(answers[i].end_ns - answers[i].start_ns) / 1e6,
               answers[i].client);
    return 0;
}

/* Has the first pool keep so many shells more, and waits until they are there. */
static int refill(unsigned int count)
{
    struct chaos_client *client = connected();
    struct chaos_pool *pools;
    int64_t start_ns;
    size_t nr;
    double ms;

    full_at(client);
    if (chaos_client_pools(client, &pools, &nr, &err) < 0)
        die("pools");
    if (nr == 0) {
        fputs("client: there is no pool\n", stderr);
        return 1;
    }
    pools[0].low += count;
    pools[0].high += count;
    start_ns = monotonic_ns();
    if (chaos_client_pool_set(client, &pools[0], &err) < 0)
        die(pools[0].name);
    ms = (double)(full_at(client) - start_ns) / 1e6;
    printf("# answered_ms=%.4f full_ms=%.4f hits=0 misses=0\n", ms, ms);
    printf("n,create_ms,boot_ms,client\n%u,%.4f,,0\n", count, ms / count);
    return 0;
}

static int usage(void)
{
    fputs("usage: client -n COUNT [-c CLIENTS] [-g GAP_US] CONFIG [KEY=VALUE...]\n"
          "       client -n COUNT -r    how long a pool takes to make COUNT shells more\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static struct job job = {.clients = 1};
    bool only_refill = false;
    FILE *file;
    int option;

    while ((option = getopt(argc, argv, "+n:c:g:r")) != -1) {
        if (option == 'n')
            job.count = (unsigned int)atoi(optarg);
        else if (option == 'c')
            job.clients = (unsigned int)atoi(optarg);
        else if (option == 'g')
            job.gap_us = atol(optarg);
        else if (option == 'r')
            only_refill = true;
        else
            return usage();
    }
    if (only_refill && job.count)
        return refill(job.count);
    if (!job.count || !job.clients || optind >= argc || argc - optind - 1 > OVERRIDES_MAX)
        return usage();
    job.path = argv[optind++];
    while (optind < argc)
        job.overrides[job.nr_overrides++] = argv[optind++];
    file = fopen(job.path, "re");
    if (!file) {
        perror(job.path);
        return 1;
    }
    job.length = fread(job.text, 1, sizeof(job.text), file);
    fclose(file);
    return run(&job);
}
