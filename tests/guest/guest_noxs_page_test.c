/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the device page: holes, wrong headers, and a writer in the middle of a read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "noxs.h"

static struct noxs_page page;

static void reset(void)
{
    memset(&page, 0, sizeof(page));
    page.magic = NOXS_PAGE_MAGIC;
    page.abi_version = NOXS_ABI_VERSION;
}

static void set(unsigned slot, uint16_t type, uint16_t id)
{
    page.dev[slot] = (struct noxs_dev){.type = type, .id = id, .grant = id * 10u};
}

static void test_header(void **state)
{
    (void)state;
    reset();
    assert_true(noxs_page_valid(&page));
    page.abi_version++;
    assert_false(noxs_page_valid(&page));
    reset();
    page.magic ^= 1;
    assert_false(noxs_page_valid(&page));
}

static void test_holes(void **state)
{
    struct noxs_dev dev;
    uint32_t slot = 0;

    (void)state;
    reset();
    assert_false(noxs_page_next(&page, &slot, &dev));
    set(1, NOXS_DEV_VIF, 3);
    set(4, NOXS_DEV_SYSCTL, 0);
    set(5, NOXS_DEV_VIF, 9); /* beyond the slots in use */
    page.slots = 5;
    slot = 0;
    assert_true(noxs_page_next(&page, &slot, &dev));
    assert_true(slot == 2 && dev.type == NOXS_DEV_VIF && dev.id == 3 && dev.grant == 30);
    assert_true(noxs_page_next(&page, &slot, &dev));
    assert_true(slot == 5 && dev.type == NOXS_DEV_SYSCTL);
    assert_false(noxs_page_next(&page, &slot, &dev));
    slot = 0xffffffff;
    assert_false(noxs_page_next(&page, &slot, &dev));
}

static void test_full_and_beyond(void **state)
{
    struct noxs_dev dev;
    uint32_t slot = 0, seen = 0;

    (void)state;
    reset();
    for (unsigned i = 0; i < NOXS_PAGE_DEVS; i++)
        set(i, NOXS_DEV_VIF, (uint16_t)i);
    page.slots = 0xffffffff;
    while (noxs_page_next(&page, &slot, &dev))
        assert_int_equal(dev.id, seen++);
    assert_int_equal(seen, NOXS_PAGE_DEVS);
}

static void test_never_stable(void **state)
{
    struct noxs_dev dev;
    uint32_t slot = 0;

    (void)state;
    reset();
    set(0, NOXS_DEV_VIF, 1);
    page.slots = 1;
    page.generation = 7;
    assert_false(noxs_page_next(&page, &slot, &dev));
}

/* The reader's memcpy: as often as `changes` says, Xen writes in the middle of it. */
static unsigned changes;

void *copy_entry(void *dst, const void *src, size_t n);
void *copy_entry(void *dst, const void *src, size_t n)
{
    memcpy(dst, src, n / 2);
    if (changes) {
        changes--;
        page.generation += 2;
        set(0, NOXS_DEV_VIF, (uint16_t)(page.dev[0].id + 1));
    }
    memcpy((char *)dst + n / 2, (const char *)src + n / 2, n - n / 2);
    return dst;
}

static void test_changing(void **state)
{
    struct noxs_dev dev;
    uint32_t slot = 0;

    (void)state;
    reset();
    set(0, NOXS_DEV_VIF, 1);
    page.slots = 1;
    changes = 5;
    assert_true(noxs_page_next(&page, &slot, &dev));
    assert_true(slot == 1 && dev.id == 6 && dev.grant == 60);
    slot = 0;
    changes = UINT32_MAX; /* without end: gives up */
    assert_false(noxs_page_next(&page, &slot, &dev));
    changes = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),          cmocka_unit_test(test_holes),
        cmocka_unit_test(test_full_and_beyond), cmocka_unit_test(test_never_stable),
        cmocka_unit_test(test_changing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
