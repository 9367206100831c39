// SPDX-License-Identifier: BSD-3-Clause
/* Processes that make, take and reap records of the registry at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry.h"
#include "scratch.h"

#define PROCESSES    4
#define TAKES        2000
#define REAPED_TIMES 10 /* so that a race that is seldom is met */

static struct chaos_error err;

/* What all processes see. */
struct tally {
    int held; /* records of the shared name, now */
    int taken;
    int ended; /* processes that make records */
};

/* A process: 0, or what went wrong. */
typedef int taker(struct registry *registry, unsigned int number, struct tally *tally);

static struct tally run_takers(taker *take)
{
    const char *dir = scratch_make();
    struct tally *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct tally tally;

    assert_true(shared != MAP_FAILED);
    for (unsigned int number = 0; number < PROCESSES; number++) {
        if (fork() == 0) {
            struct registry registry;

            _exit(registry_open(&registry, dir, &err) < 0 ? 9 : take(&registry, number, shared));
        }
    }
    for (unsigned int number = 0; number < PROCESSES; number++) {
        int status = 1;

        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("suspended"), 0);
    scratch_remove();
    tally = *shared;
    munmap(shared, sizeof(*shared));
    return tally;
}

/* ------------------------------------------------------------------ notes of suspended guests */

static int take_own(struct registry *registry, unsigned int number, struct tally *tally)
{
    struct registry_claim claim;
    char uuid[16];

    (void)tally;
    snprintf(uuid, sizeof(uuid), "guest-%u", number);
    for (unsigned int i = 0; i < TAKES; i++) {
        if (registry_claim_suspended(registry, uuid, "x", 1, &claim, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        registry_drop(registry, &claim, 0);
    }
    return 0;
}

static void test_each_its_own(void **state)
{
    (void)state;
    run_takers(take_own);
}

static int take_shared(struct registry *registry, unsigned int number, struct tally *tally)
{
    struct registry_claim claim;

    (void)number;
    for (unsigned int i = 0; i < TAKES; i++) {
        int rc = registry_claim_suspended(registry, "guest", "x", 1, &claim, &err);

        if (rc == -EBUSY)
            continue;
        if (rc < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        if (__atomic_add_fetch(&tally->held, 1, __ATOMIC_SEQ_CST) != 1)
            return 2;
        __atomic_add_fetch(&tally->taken, 1, __ATOMIC_SEQ_CST);
        __atomic_sub_fetch(&tally->held, 1, __ATOMIC_SEQ_CST);
        registry_drop(registry, &claim, 0);
    }
    return 0;
}

static void test_one_for_all(void **state)
{
    (void)state;
    assert_true(run_takers(take_shared).taken > 0);
}

/* ------------------------------------------------------------------ what nobody holds is reaped */

static int reap(void *opaque, struct registry_claim *claim, struct chaos_error *error)
{
    (void)error;
    registry_drop(opaque, claim, 0);
    return 0;
}

static int reap_until_all_ended(struct registry *registry, struct tally *tally)
{
    int rc;

    while (__atomic_load_n(&tally->ended, __ATOMIC_SEQ_CST) < PROCESSES - 1) {
        rc = registry_visit_abandoned(registry, REGISTRY_PENDING, reap, registry, &err);
        if (rc < 0 && rc != -ENOENT) /* the first record makes the folder */
            return 3;
    }
    return 0;
}

/* One name, again and again. Whoever has it has its record, too. */
static int make_same(struct registry *registry, struct tally *tally)
{
    struct registry_claim claim;
    int rc = 0;

    for (unsigned int i = 0; i < TAKES * REAPED_TIMES && rc == 0; i++) {
        rc = registry_claim(registry, "web", "x", 1, &claim, &err);
        if (rc == -EEXIST) {
            rc = 0;
            continue;
        }
        if (rc == 0 && faccessat(registry->dir, "pending/web", F_OK, 0) < 0)
            rc = 4;
        registry_drop(registry, &claim, 0);
    }
    __atomic_add_fetch(&tally->ended, 1, __ATOMIC_SEQ_CST);
    return rc < 0 ? 5 : rc;
}

static int make_or_reap(struct registry *registry, unsigned int number, struct tally *tally)
{
    return number == 0 ? reap_until_all_ended(registry, tally) : make_same(registry, tally);
}

static void test_held_is_not_reaped(void **state)
{
    (void)state;
    run_takers(make_or_reap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_its_own),
        cmocka_unit_test(test_one_for_all),
        cmocka_unit_test(test_held_is_not_reaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
