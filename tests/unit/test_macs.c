// SPDX-License-Identifier: BSD-3-Clause
/* Numbers for MAC addresses: nobody gets one twice, whoever asks. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "registry.h"
#include "scratch.h"

#define MACS      0x1000000u
#define PROCESSES 4
#define TAKES     500

static struct chaos_error err;

static void test_processes(void **state)
{
    const char *dir = scratch_make();
    uint8_t *taken = mmap(NULL, MACS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned int total = 0;

    (void)state;
    assert_true(taken != MAP_FAILED);
    for (unsigned int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            struct registry registry;
            uint32_t first;

            if (registry_open(&registry, dir, &err) < 0)
                _exit(1);
            for (unsigned int i = 0; i < TAKES; i++) {
                if (registry_take_macs(&registry, 3, &first, &err) < 0)
                    _exit(1);
                for (unsigned int j = 0; j < 3; j++)
                    __atomic_add_fetch(&taken[(first + j) % MACS], 1, __ATOMIC_RELAXED);
            }
            _exit(0);
        }
    }
    for (unsigned int p = 0; p < PROCESSES; p++) {
        int status = 1;

        wait(&status);
        assert_int_equal(status, 0);
    }
    for (uint32_t i = 0; i < MACS; i++) {
        assert_true(taken[i] <= 1);
        total += taken[i];
    }
    assert_int_equal(total, PROCESSES * TAKES * 3);
    munmap(taken, MACS);
    scratch_remove();
}

static void test_wraps_around(void **state)
{
    static const uint32_t last = MACS - 2;
    struct registry registry;
    uint32_t first;

    (void)state;
    assert_int_equal(registry_open(&registry, scratch_make(), &err), 0);
    scratch_file("macs", &last, sizeof(last));
    assert_int_equal(registry_take_macs(&registry, 3, &first, &err), 0);
    assert_int_equal(first, MACS - 2);
    assert_int_equal(registry_take_macs(&registry, 1, &first, &err), 0);
    assert_int_equal(first, 1);
    scratch_file("macs", "xy", 2); /* damaged: anywhere will do */
    assert_int_equal(registry_take_macs(&registry, 1, &first, &err), 0);
    assert_true(first < MACS);
    registry_close(&registry);
    scratch_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_wraps_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
