// SPDX-License-Identifier: BSD-3-Clause
/* Notes of suspended guests (suspended/ of the registry): many come and go at once, and with the
 * last of them the folder. */
#include <errno.h>
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

#define PROCESSES 4
#define TAKES     2000

static struct chaos_error err;

/* What all processes see. */
struct tally {
    int held; /* notes of the shared name, now */
    int taken;
};

/* A process: 0, or what went wrong. */
typedef int taker(struct registry *registry, unsigned int number, struct tally *tally);

static void run_takers(taker *take, struct tally **tally)
{
    const char *dir = scratch_make();

    *tally = mmap(NULL, sizeof(**tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(*tally != MAP_FAILED);
    for (unsigned int number = 0; number < PROCESSES; number++) {
        if (fork() == 0) {
            struct registry registry;

            _exit(registry_open(&registry, dir, &err) < 0 ? 9 : take(&registry, number, *tally));
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
}

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
    struct tally *tally;

    (void)state;
    run_takers(take_own, &tally);
    munmap(tally, sizeof(*tally));
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
    struct tally *tally;

    (void)state;
    run_takers(take_shared, &tally);
    assert_true(tally->taken > 0);
    munmap(tally, sizeof(*tally));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_its_own),
        cmocka_unit_test(test_one_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
