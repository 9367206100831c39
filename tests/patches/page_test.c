// SPDX-License-Identifier: BSD-3-Clause
/* The table in the device page: the hypervisor's own code, taken out of the series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <xen/noxs.h>

#define DOMID    7
#define BACK_END 3

static struct noxs_page page;

static struct noxs_dev vif(uint16_t id)
{
    return (struct noxs_dev){.type = NOXS_DEV_VIF,
                             .id = id,
                             .back_end = BACK_END,
                             .grant = 1000u + id,
                             .evtchn = 2000u + id};
}

static int add_one(struct noxs_dev dev)
{
    return noxs_page_add(&page, &dev, 1);
}

static int remove_one(struct noxs_dev dev)
{
    return noxs_page_remove(&page, &dev, 1);
}

static void fill(unsigned int nr)
{
    for (unsigned int id = 0; id < nr; id++)
        assert_int_equal(add_one(vif((uint16_t)id)), 0);
}

static unsigned int devices(void)
{
    unsigned int nr = 0;

    for (unsigned int slot = 0; slot < NOXS_PAGE_DEVS; slot++) {
        if (page.dev[slot].type == NOXS_DEV_NONE)
            continue;
        assert_true(slot < page.slots);
        nr++;
    }
    return nr;
}

static int setup(void **state)
{
    (void)state;
    memset(&page, 0xa5, sizeof(page));
    noxs_page_init(&page, DOMID);
    return 0;
}

static void init_leaves_nothing_behind(void **state)
{
    struct noxs_page want = {
        .magic = NOXS_PAGE_MAGIC, .abi_version = NOXS_ABI_VERSION, .domid = DOMID};

    (void)state;
    assert_memory_equal(&page, &want, sizeof(page));
}

static void add_stores_every_field(void **state)
{
    struct noxs_dev dev = vif(5);

    (void)state;
    assert_int_equal(add_one(dev), 0);
    assert_int_equal(page.slots, 1);
    assert_memory_equal(&page.dev[0], &dev, sizeof(dev));
    assert_int_equal(page.generation, 2);
}

static void add_refuses_bad_entries(void **state)
{
    struct noxs_dev dev;

    (void)state;
    dev = vif(1);
    dev.type = NOXS_DEV_NONE;
    assert_int_equal(add_one(dev), -EINVAL);
    dev.type = NOXS_DEV_TYPES;
    assert_int_equal(add_one(dev), -EINVAL);
    dev.type = UINT16_MAX;
    assert_int_equal(add_one(dev), -EINVAL);
    dev = vif(1);
    dev.flags = 1;
    assert_int_equal(add_one(dev), -EINVAL);
    dev = vif(1);
    dev.back_end = DOMID;
    assert_int_equal(add_one(dev), -EINVAL);
    assert_int_equal(page.slots, 0);
    assert_int_equal(page.generation, 0);
}

static void pair_of_type_and_id_is_the_key(void **state)
{
    struct noxs_dev dev = vif(1);

    (void)state;
    assert_int_equal(add_one(vif(1)), 0);
    assert_int_equal(add_one(vif(1)), -EEXIST);
    dev.back_end = BACK_END + 1; /* no part of the key */
    assert_int_equal(add_one(dev), -EEXIST);
    assert_int_equal(add_one(vif(2)), 0);
    dev.type = NOXS_DEV_SYSCTL;
    assert_int_equal(add_one(dev), 0);
    assert_int_equal(devices(), 3);

    /* Nothing but that one goes. */
    assert_int_equal(remove_one(vif(1)), 0);
    assert_int_equal(devices(), 2);
    assert_int_equal(remove_one(vif(1)), -ENOENT);
    assert_int_equal(remove_one(vif(2)), 0);
    assert_int_equal(remove_one(dev), 0);
    assert_int_equal(page.slots, 0);
}

static void batch_is_all_or_nothing(void **state)
{
    struct noxs_dev batch[4] = {vif(1), vif(2), vif(3), vif(2)};
    struct noxs_page before;

    (void)state;
    fill(1);
    before = page;
    assert_int_equal(noxs_page_add(&page, batch, 4), -EEXIST);
    batch[3] = vif(0);
    assert_int_equal(noxs_page_add(&page, batch, 4), -EEXIST);
    batch[3].type = NOXS_DEV_TYPES;
    assert_int_equal(noxs_page_add(&page, batch, 4), -EINVAL);
    assert_memory_equal(&page, &before, sizeof(page));

    assert_int_equal(noxs_page_add(&page, batch, 3), 0);
    assert_int_equal(page.generation, before.generation + 2);
    before = page;
    batch[3] = vif(9);
    assert_int_equal(noxs_page_remove(&page, batch, 4), -ENOENT);
    batch[3] = vif(1);
    assert_int_equal(noxs_page_remove(&page, batch, 4), -ENOENT);
    batch[3].type = NOXS_DEV_NONE;
    assert_int_equal(noxs_page_remove(&page, batch, 4), -EINVAL);
    assert_memory_equal(&page, &before, sizeof(page));

    assert_int_equal(noxs_page_remove(&page, batch, 3), 0);
    assert_int_equal(devices(), 1);
}

static void full_page_takes_no_more(void **state)
{
    struct noxs_dev batch[3] = {vif(1000), vif(1001), vif(1002)};
    struct noxs_page before;

    (void)state;
    fill(NOXS_PAGE_DEVS - 2);
    before = page;
    assert_int_equal(noxs_page_add(&page, batch, 3), -ENOSPC);
    assert_memory_equal(&page, &before, sizeof(page));
    assert_int_equal(noxs_page_add(&page, batch, 2), 0);
    assert_int_equal(page.slots, NOXS_PAGE_DEVS);
    assert_int_equal(add_one(batch[2]), -ENOSPC);
    assert_int_equal(add_one(vif(0)), -EEXIST);

    /* Any two holes take two devices. */
    assert_int_equal(remove_one(vif(0)), 0);
    assert_int_equal(remove_one(vif(100)), 0);
    assert_int_equal(page.slots, NOXS_PAGE_DEVS);
    batch[0] = vif(2000);
    batch[1] = vif(2001);
    assert_int_equal(noxs_page_add(&page, batch, 2), 0);
    assert_int_equal(page.dev[0].id, 2000);
    assert_int_equal(page.dev[100].id, 2001);
    assert_int_equal(devices(), NOXS_PAGE_DEVS);
}

static void slots_shrink_to_the_last_device(void **state)
{
    (void)state;
    fill(6);
    assert_int_equal(remove_one(vif(4)), 0);
    assert_int_equal(remove_one(vif(3)), 0);
    assert_int_equal(page.slots, 6);
    assert_int_equal(remove_one(vif(5)), 0);
    assert_int_equal(page.slots, 3);
}

static void batch_fills_holes_then_grows(void **state)
{
    struct noxs_dev batch[3] = {vif(10), vif(11), vif(12)};

    (void)state;
    fill(4);
    assert_int_equal(remove_one(vif(1)), 0);
    assert_int_equal(noxs_page_add(&page, batch, 3), 0);
    assert_int_equal(page.dev[1].id, 10);
    assert_int_equal(page.dev[4].id, 11);
    assert_int_equal(page.dev[5].id, 12);
    assert_int_equal(page.slots, 6);
}

static void list_pages_over_holes(void **state)
{
    struct noxs_dev got[NOXS_OP_BATCH];
    uint32_t start = 0;
    unsigned int nr, total = 0;

    (void)state;
    fill(50);
    for (uint16_t id = 0; id < 50; id = (uint16_t)(id + 5))
        assert_int_equal(remove_one(vif(id)), 0);
    while ((nr = noxs_page_list(&page, &start, got, NOXS_OP_BATCH)) > 0) {
        for (unsigned int i = 0; i < nr; i++, total++) {
            struct noxs_dev want = vif((uint16_t)(total + total / 4 + 1));

            assert_memory_equal(&got[i], &want, sizeof(want));
        }
    }
    assert_int_equal(total, 40);
    assert_true(start >= page.slots);

    start = UINT32_MAX;
    assert_int_equal(noxs_page_list(&page, &start, got, NOXS_OP_BATCH), 0);
    assert_int_equal(start, UINT32_MAX);
}

static void generation_wraps(void **state)
{
    (void)state;
    page.generation = UINT32_MAX - 1;
    assert_int_equal(add_one(vif(1)), 0);
    assert_int_equal(page.generation, 0);
}

/* A reader without a lock must never see half of a batch. */
#define CHANGES 20000
#define PAIR    2

static bool done;

static uint32_t generation(void)
{
    return __atomic_load_n(&page.generation, __ATOMIC_ACQUIRE);
}

static unsigned int copy_stable(struct noxs_dev *dev)
{
    uint32_t before, slots;

    do {
        while ((before = generation()) & 1)
            ;
        slots = *(volatile uint32_t *)&page.slots;
        if (slots > PAIR)
            return slots;
        memcpy(dev, page.dev, slots * sizeof(*dev));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } while (generation() != before);
    return slots;
}

static void *reader(void *arg)
{
    struct noxs_dev dev[PAIR];
    unsigned int *torn = arg;

    while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
        unsigned int slots = copy_stable(dev);

        if (slots != 0 && (slots != PAIR || dev[0].grant != dev[1].grant))
            ++*torn;
    }
    return NULL;
}

static void reader_sees_whole_batches(void **state)
{
    struct noxs_dev batch[PAIR] = {vif(0), vif(1)};
    unsigned int torn = 0;
    pthread_t thread;

    (void)state;
    done = false;
    assert_int_equal(pthread_create(&thread, NULL, reader, &torn), 0);
    for (uint32_t i = 0; i < CHANGES; i++) {
        batch[0].grant = batch[1].grant = i;
        assert_int_equal(noxs_page_add(&page, batch, PAIR), 0);
        assert_int_equal(noxs_page_remove(&page, batch, PAIR), 0);
    }
    __atomic_store_n(&done, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(torn, 0);
}

/* What a hostile domain can do to its page: nothing may be touched outside of it (sanitizers). */
static void use_page(unsigned int *seed)
{
    struct noxs_dev batch[NOXS_OP_BATCH];
    uint32_t start = (uint32_t)rand_r(seed) % 300;

    for (unsigned int i = 0; i < NOXS_OP_BATCH; i++)
        batch[i] = vif((uint16_t)(rand_r(seed) % 300));
    noxs_page_add(&page, batch, NOXS_OP_BATCH);
    assert_true(noxs_page_list(&page, &start, batch, NOXS_OP_BATCH) <= NOXS_OP_BATCH);
    noxs_page_remove(&page, batch, 1 + (unsigned int)rand_r(seed) % NOXS_OP_BATCH);
}

static void nonsense_in_the_page_is_survived(void **state)
{
    struct noxs_dev dev = vif(1);
    unsigned int seed = 1;

    (void)state;
    for (unsigned int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof(page); i++)
            ((uint8_t *)&page)[i] = (uint8_t)rand_r(&seed);
        if (round % 2)
            page.slots = (uint32_t)rand_r(&seed) % 256;
        use_page(&seed);
    }
    memset(&page, 0xff, sizeof(page));
    page.dev[NOXS_PAGE_DEVS - 1].type = NOXS_DEV_NONE;
    assert_int_equal(add_one(dev), 0);
    assert_memory_equal(&page.dev[NOXS_PAGE_DEVS - 1], &dev, sizeof(dev));
    assert_int_equal(page.slots, NOXS_PAGE_DEVS);
    assert_int_equal(page.generation, 0); /* even again */
}

static void *scribbler(void *arg)
{
    unsigned int seed = 2;

    while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
        *(volatile uint32_t *)&page.slots = (uint32_t)rand_r(&seed);
        *(volatile uint16_t *)&page.dev[rand_r(&seed) % NOXS_PAGE_DEVS].type =
            (uint16_t)(rand_r(&seed) % NOXS_DEV_TYPES);
    }
    return arg;
}

static void scribbling_during_a_change_is_survived(void **state)
{
    unsigned int seed = 3;
    pthread_t thread;

    (void)state;
    done = false;
    assert_int_equal(pthread_create(&thread, NULL, scribbler, NULL), 0);
    for (unsigned int round = 0; round < 20000; round++)
        use_page(&seed);
    __atomic_store_n(&done, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Random calls against a plain model of the set of devices. */
#define IDS 300

static void follows_a_model(void **state)
{
    static bool model[IDS];
    unsigned int count = 0, seed = 1;

    (void)state;
    memset(model, 0, sizeof(model));
    for (unsigned int round = 0; round < 20000; round++) {
        struct noxs_dev batch[NOXS_OP_BATCH];
        bool adding = rand_r(&seed) % 5 < 3, possible = true, twice[IDS] = {false};
        unsigned int nr = 1 + (unsigned int)rand_r(&seed) % 3;

        for (unsigned int i = 0; i < nr; i++) {
            unsigned int id = (unsigned int)rand_r(&seed) % IDS;

            batch[i] = vif((uint16_t)id);
            possible = possible && !twice[id] && model[id] != adding;
            twice[id] = true;
        }
        if (adding && count + nr > NOXS_PAGE_DEVS)
            possible = false;
        int rc = adding ? noxs_page_add(&page, batch, nr) : noxs_page_remove(&page, batch, nr);

        assert_int_equal(rc == 0, possible);
        assert_false(page.generation & 1);
        if (rc)
            continue;
        for (unsigned int i = 0; i < nr; i++)
            model[batch[i].id] = adding;
        count = adding ? count + nr : count - nr;
        assert_int_equal(devices(), count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(init_leaves_nothing_behind, setup),
        cmocka_unit_test_setup(add_stores_every_field, setup),
        cmocka_unit_test_setup(add_refuses_bad_entries, setup),
        cmocka_unit_test_setup(pair_of_type_and_id_is_the_key, setup),
        cmocka_unit_test_setup(batch_is_all_or_nothing, setup),
        cmocka_unit_test_setup(full_page_takes_no_more, setup),
        cmocka_unit_test_setup(slots_shrink_to_the_last_device, setup),
        cmocka_unit_test_setup(batch_fills_holes_then_grows, setup),
        cmocka_unit_test_setup(list_pages_over_holes, setup),
        cmocka_unit_test_setup(generation_wraps, setup),
        cmocka_unit_test_setup(reader_sees_whole_batches, setup),
        cmocka_unit_test_setup(nonsense_in_the_page_is_survived, setup),
        cmocka_unit_test_setup(scribbling_during_a_change_is_survived, setup),
        cmocka_unit_test_setup(follows_a_model, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
