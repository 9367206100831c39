// SPDX-License-Identifier: BSD-3-Clause
/* Guests that work while their memory is sent, on the hypervisor in memory. */
#include <errno.h>
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

#include <xen/xen.h>

#include "checkpoint_reader.h"
#include "elf_maker.h"
#include "move_fixture.h"
#include "scratch.h"

#define PAGES     256u
#define FREE_PAGE 120u /* the first of those that the kernel has no use for */

static uint64_t seed;
static unsigned int acted; /* after this many takes */

static uint32_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

static int set_up_how(void **state, const struct guest_source_options *how)
{
    struct fixture *f;

    set_up(state);
    f = *state;
    guest_source_close(f->source);
    f->source = NULL;
    assert_int_equal(guest_source_open(f->here, &f->domain, how, &f->source, &f->err), 0);
    fake_guest_tell(f->fake, f->domain.domid);
    seed = 1;
    acted = 0;
    return 0;
}

static int set_up_live(void **state)
{
    const struct guest_source_options how = {.timeout_ms = 20, .live = true};

    return set_up_how(state, &how);
}

static int set_up_compressed(void **state)
{
    const struct guest_source_options how = {.timeout_ms = 20, .live = true, .compress = true};

    return set_up_how(state, &how);
}

static struct fake_domain *guest_of(struct fixture *f)
{
    return fake_domain(f->fake, f->domain.domid);
}

static uint64_t frame_at(const struct fake_domain *domain, uint64_t pfn)
{
    for (size_t i = 0; i < domain->nr_extents; i++)
        if (pfn - domain->extent[i].pfn < domain->extent[i].nr)
            return domain->extent[i].frame + (pfn - domain->extent[i].pfn);
    fail_msg("no page %lu", (unsigned long)pfn);
    return 0;
}

static uint8_t type_of(struct fixture *f, const struct fake_domain *domain, uint64_t pfn)
{
    const uint64_t frame = frame_at(domain, pfn);
    uint8_t type;

    assert_int_equal(f->fake->hv.ops->page_types(&f->fake->hv, domain->domid, &frame, 1, &type), 0);
    return type & 7;
}

/* Pages that have other contents in another domain: the start info, and its table of frames. */
static unsigned int count_differing(struct fixture *f, const struct fake_domain *copy)
{
    struct fake_domain *guest = guest_of(f);
    unsigned int differing = 0;
    uint64_t pfn;

    for (pfn = 0; pfn < PAGES; pfn++) {
        const uint8_t type = type_of(f, guest, pfn);
        void *here = fake_frame(f->fake, frame_at(guest, pfn));
        void *there = fake_frame(f->fake, frame_at(copy, pfn));

        assert_int_equal(type_of(f, copy, pfn), type);
        differing += type == HV_PAGE_NORMAL && memcmp(here, there, HV_PAGE_SIZE) != 0;
        munmap(here, HV_PAGE_SIZE);
        munmap(there, HV_PAGE_SIZE);
    }
    return differing;
}

static struct checkpoint_reader *check_stream(struct fixture *f)
{
    static struct checkpoint_reader reader;
    int rc;

    f->bytes.read = 0;
    rc = checkpoint_open(&reader, maker_read, &f->bytes, &f->err);
    if (rc == 0)
        rc = checkpoint_check(&reader, &f->err);
    if (rc < 0)
        fail_msg("%s", f->err.text);
    f->bytes.read = 0;
    checkpoint_release(&reader);
    return &reader;
}

/* ---------------------------------------------------------------- what the guest does */

/* Pages that are zero now and then, and often like others, at every look at its memory. */
static void flicker(struct fake_hv *fake, struct fake_domain *domain)
{
    unsigned int i;

    for (i = 0; i < 3; i++)
        fake_guest_write(fake, domain->domid, FREE_PAGE + next_random() % 100, 0,
                         next_random() % 3);
}

/* Writes to so many that one more round is worth it. */
static void dirty_many(struct fake_hv *fake, struct fake_domain *domain)
{
    uint64_t pfn;

    for (pfn = FREE_PAGE + 1; pfn < FREE_PAGE + 101; pfn++)
        fake_guest_write(fake, domain->domid, pfn, 3, domain->takes);
}

/* The table of a level on the way to its first page: which page it is. */
static uint64_t table_of(struct fake_hv *fake, struct fake_domain *domain, int wanted)
{
    uint64_t frame = domain->root_frame, pfn = 0, *table;
    int level;

    for (level = 4; level > wanted; level--) {
        table = fake_frame(fake, frame);
        frame = (table[ELF_BASE >> (3 + 9 * level) & 511] & PTE_FRAME) >> PTE_FRAME_SHIFT;
        munmap(table, HV_PAGE_SIZE);
    }
    while (frame_at(domain, pfn) != frame)
        pfn++;
    return pfn;
}

/* A page becomes a table once it was sent, and is none any more when all is sent. */
static void make_table(struct fake_hv *fake, struct fake_domain *domain)
{
    const uint64_t entry = frame_at(domain, FREE_PAGE) << PTE_FRAME_SHIFT | 0x67;
    size_t word;

    if (acted == domain->takes)
        return;
    acted = domain->takes;
    if (domain->takes == 1) {
        dirty_many(fake, domain);
        for (word = 0; word < 512; word++)
            fake_guest_write(fake, domain->domid, FREE_PAGE, word, 0);
        /* Nobody may write to it any more. */
        fake_guest_write(fake, domain->domid, table_of(fake, domain, 1),
                         (ELF_BASE >> PTE_FRAME_SHIFT) % 512 + FREE_PAGE, entry & ~6ull);
        fake_guest_write(fake, domain->domid, FREE_PAGE, 7,
                         frame_at(domain, FREE_PAGE + 1) << PTE_FRAME_SHIFT | 0x67);
        fake_guest_write(fake, domain->domid, table_of(fake, domain, 2), 500, entry);
    } else if (domain->takes == 2) {
        fake_guest_write(fake, domain->domid, table_of(fake, domain, 2), 500, 0);
    }
}

/* And another that stays one. */
static void keep_table(struct fake_hv *fake, struct fake_domain *domain)
{
    if (domain->takes == 1)
        make_table(fake, domain);
}

static void never_ends(struct fake_hv *fake, struct fake_domain *domain)
{
    uint64_t pfn;

    for (pfn = FREE_PAGE; pfn < FREE_PAGE + 100 - domain->takes; pfn++)
        fake_guest_write(fake, domain->domid, pfn, 3, next_random());
}

/* ---------------------------------------------------------------- tests */

static void move_and_compare(struct fixture *f)
{
    unsigned int takes;

    prepare(f);
    transfer(f);
    takes = guest_of(f)->takes;
    assert_true(takes >= 2);
    assert_false(guest_of(f)->logging);
    assert_int_equal(count_differing(f, copy_of(f)), 2);
    assert_true(f->bytes.length == f->bytes.read);
    check_stream(f);
    assert_int_equal(guest_target_ops.start(f->target, &f->err), 0);
    assert_int_equal(guest_source_destroy(f->source, &f->err), 0);
    assert_int_equal(scratch_count("suspended"), 0);
}

static void test_idle(void **state)
{
    struct fixture *f = *state;

    move_and_compare(f);
}

/* What waits for the last round is little: its tables, and what it shares. */
static void test_little_is_left(void **state)
{
    struct fixture *f = *state;
    const struct checkpoint_reader *reader;
    uint64_t pfn;

    for (pfn = FREE_PAGE; pfn < FREE_PAGE + 100; pfn++)
        fake_guest_write(f->fake, f->domain.domid, pfn, 3, pfn);
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), 0);
    reader = check_stream(f);
    assert_true(reader->stored_pages >= 100);
    assert_true(reader->window.first == 0 && reader->nr_stored < 16); /* of the last window */
    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
}

static void test_works_on(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->works = flicker;
    move_and_compare(f);
}

/* Most of it is zero but for a word a page, or like its neighbours. */
static void test_compressed(void **state)
{
    struct fixture *f = *state;
    const struct checkpoint_reader *reader;

    guest_of(f)->works = flicker;
    move_and_compare(f);
    reader = check_stream(f);
    assert_int_equal(reader->stream.features, STREAM_LIVE | STREAM_LZ4);
    assert_true(f->bytes.length < reader->stored_pages * HV_PAGE_SIZE / 2);
}

static void test_table_for_a_while(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->works = make_table;
    move_and_compare(f);
}

static void test_new_table(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->works = keep_table;
    move_and_compare(f);
}

/* What dom0 writes, Xen does not see. */
static void console_output(struct fake_hv *fake, struct fake_domain *domain)
{
    struct start_info *info = fake_frame(fake, domain->context.user_regs.rdx);
    uint64_t *console = fake_frame(fake, info->console.domU.mfn);

    console[511]++;
    munmap(console, HV_PAGE_SIZE);
    munmap(info, HV_PAGE_SIZE);
}

static void test_shared_page(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->mischief = console_output;
    move_and_compare(f);
}

/* Two pages change their frames, without a write to either. */
static void swap_frames(struct fake_hv *fake, struct fake_domain *domain)
{
    const uint64_t one = frame_at(domain, FREE_PAGE), other = frame_at(domain, FREE_PAGE + 1);
    struct shared_info *shared = fake_frame(fake, domain->shared_info_frame);
    bool writable;
    uint64_t *list = fake_virtual(fake, domain->domid, shared->arch.p2m_vaddr, &writable);

    if (domain->takes == 1) {
        list[FREE_PAGE] = other;
        list[FREE_PAGE + 1] = one;
    }
    munmap(list, HV_PAGE_SIZE);
    munmap(shared, HV_PAGE_SIZE);
}

static uint64_t word_of(struct fixture *f, const struct fake_domain *domain, uint64_t pfn)
{
    uint64_t *page = fake_frame(f->fake, frame_at(domain, pfn)), word = page[0];

    munmap(page, HV_PAGE_SIZE);
    return word;
}

static void test_frames_change(void **state)
{
    struct fixture *f = *state;

    fake_guest_write(f->fake, f->domain.domid, FREE_PAGE, 0, 1);
    fake_guest_write(f->fake, f->domain.domid, FREE_PAGE + 1, 0, 2);
    guest_of(f)->works = swap_frames;
    prepare(f);
    transfer(f);
    assert_int_equal(word_of(f, copy_of(f), FREE_PAGE), 2);
    assert_int_equal(word_of(f, copy_of(f), FREE_PAGE + 1), 1);
}

/* Who writes faster than is sent is asked all the same. */
static void test_rounds_end(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->works = never_ends;
    prepare(f);
    transfer(f);
    assert_in_range(guest_of(f)->takes, 2, 9);
    assert_int_equal(count_differing(f, copy_of(f)), 2);
}

/* Many courses of events. */
static void test_courses(void **state)
{
    uint64_t n;

    for (n = 2; n < 40; n++) {
        struct fixture *f = *state;

        seed = n;
        guest_of(f)->works = flicker;
        move_and_compare(f);
        tear_down(state);
        set_up_live(state);
    }
}

static void assert_goes_on(struct fixture *f, unsigned int resumed)
{
    struct fake_domain *guest = guest_of(f);

    assert_int_equal(guest_source_resume(f->source, &f->err), 0);
    assert_false(guest->logging);
    assert_false(guest->shutdown);
    assert_int_equal(guest->resumed, resumed);
    assert_int_equal(f->fake->mapped, 0);
    assert_int_equal(scratch_count("suspended"), 0);
}

/* Every call to the hypervisor fails once: the guest goes on, and nobody looks at it any more. */
static void test_sweep(void **state)
{
    struct fixture *f = *state;
    const struct guest_source_options how = {.timeout_ms = 20, .live = true};
    unsigned int n, calls;
    int rc;

    guest_of(f)->works = flicker;
    for (n = 1;; n++) {
        f->bytes.length = 0;
        f->fake->calls = 0;
        f->fake->fail_at = n;
        rc = guest_source_send(f->source, maker_write, &f->bytes, &f->err);
        f->fake->fail_at = 0;
        calls = f->fake->calls;
        guest_of(f)->resumed = 0;
        assert_goes_on(f, guest_of(f)->shutdown ? 1 : 0);
        if (rc == 0 && calls < n)
            break;
        if (rc == 0)
            fail_msg("no failure for that of %s", f->fake->failed_in);
        guest_source_close(f->source);
        f->source = NULL;
        assert_int_equal(guest_source_open(f->here, &f->domain, &how, &f->source, &f->err), 0);
    }
    assert_true(n > 60);
}

/* A connection that is lost at any time. */
static int write_some(void *opaque, const struct iovec *parts, int nr)
{
    unsigned int *left = opaque;

    (void)parts;
    (void)nr;
    return (*left)-- == 0 ? -EPIPE : 0;
}

static void test_connection_lost(void **state)
{
    struct fixture *f = *state;
    const struct guest_source_options how = {.timeout_ms = 20, .live = true};
    unsigned int n, left;
    int rc;

    guest_of(f)->works = flicker;
    for (n = 0;; n++) {
        left = n;
        rc = guest_source_send(f->source, write_some, &left, &f->err);
        assert_false(guest_of(f)->logging);
        guest_of(f)->resumed = 0;
        assert_goes_on(f, guest_of(f)->shutdown ? 1 : 0);
        if (rc == 0)
            break;
        assert_int_equal(rc, -EPIPE);
        guest_source_close(f->source);
        f->source = NULL;
        assert_int_equal(guest_source_open(f->here, &f->domain, &how, &f->source, &f->err), 0);
    }
    assert_true(n > 10);
}

static void test_deaf(void **state)
{
    struct fixture *f = *state;

    guest_of(f)->deaf = true;
    assert_int_equal(guest_source_send(f->source, maker_write, &f->bytes, &f->err), -ETIMEDOUT);
    assert_false(guest_of(f)->logging);
    assert_false(guest_of(f)->shutdown);
}

static int die_writing(void *opaque, const struct iovec *parts, int nr)
{
    unsigned int *left = opaque;

    (void)parts;
    (void)nr;
    if ((*left)-- == 0)
        _exit(0);
    return 0;
}

/* The next command, or the daemon's next start, has Xen not note any more. */
static void test_killed(void **state)
{
    struct fixture *f = *state;
    unsigned int n;

    guest_source_close(f->source);
    f->source = NULL;
    for (n = 4; n < 12; n += 3) {
        const struct guest_source_options how = {.timeout_ms = 20, .live = true};
        struct fake_domain *guest = guest_of(f);
        struct guest_source *source;
        unsigned int left = n;
        pid_t child = fork();

        if (child == 0) {
            if (guest_source_open(f->here, &f->domain, &how, &source, &f->err) == 0)
                guest_source_send(source, die_writing, &left, &f->err);
            _exit(1);
        }
        waitpid(child, NULL, 0);
        fake_hv_forget_mappings(f->fake);
        assert_true(guest->logging || guest->shutdown);
        chaos_reap(f->here);
        assert_false(guest->logging);
        assert_false(guest->shutdown);
    }
}

/* ---------------------------------------------------------------- the format */

static int check(const struct maker_window *windows, size_t nr, uint32_t features,
                 struct chaos_error *err)
{
    static struct checkpoint_reader reader;
    static struct maker_bytes bytes;
    int rc;

    maker_make_live(&bytes, features, windows, nr);
    rc = checkpoint_open(&reader, maker_read, &bytes, err);
    if (rc == 0)
        rc = checkpoint_check(&reader, err);
    checkpoint_release(&reader);
    return rc;
}

static void assert_refused(const struct maker_window *windows, size_t nr, uint32_t features,
                           const char *text)
{
    struct chaos_error err;

    assert_int_equal(check(windows, nr, features, &err), -EBADMSG);
    if (!strstr(err.text, text))
        fail_msg("%s", err.text);
}

static void test_flaws(void **state)
{
    struct maker_window w[20];
    struct chaos_error err;
    size_t i;

    (void)state;
    assert_int_equal(check(maker_live, 3, STREAM_LIVE, &err), 0);
    assert_refused(maker_live, 3, 0, "kind 8, unknown");
    assert_refused(maker_live, 3, 4 | STREAM_LIVE, "does not have (0x4)");
    assert_refused(maker_live, 2, STREAM_LIVE, "only 255 of the guest's 256 pages");
    memcpy(w, maker_live, sizeof(maker_live));
    w[3] = (struct maker_window){
        .first = 255, .nr = 1, .nr_runs = 1, .run = {{.nr = 1, .kind = CHECKPOINT_KIND_ZERO}}};
    assert_refused(w, 4, STREAM_LIVE, "page 255 came as a page table, and comes again");
    w[3].first = 256;
    assert_refused(w, 4, STREAM_LIVE, "it may have 1024, and the guest has 256");
    w[3].first = UINT64_MAX;
    assert_refused(w, 4, STREAM_LIVE, "it may have 1024, and the guest has 256");
    w[3] = maker_live[2];
    w[3].run[1].same = 2; /* which is told elsewhere */
    w[3].run[3] = (struct checkpoint_run){.nr = 1, .kind = CHECKPOINT_KIND_ELSEWHERE};
    assert_refused(w, 4, STREAM_LIVE, "the same as one without contents");
    for (i = 2; i < 20; i++)
        w[i] = maker_live[0];
    w[16] = maker_live[2];
    assert_refused(w, 17, STREAM_LIVE, "come again more than 16 times");
    w[15] = maker_live[2];
    assert_int_equal(check(w, 16, STREAM_LIVE, &err), 0);
}

static void test_golden(void **state)
{
    static struct maker_bytes made, golden;
    FILE *file = fopen(GOLDEN "/checkpoint-live-1", "r");

    (void)state;
    assert_non_null(file);
    golden.length = fread(golden.bytes, 1, sizeof(golden.bytes), file);
    fclose(file);
    maker_make_live(&made, STREAM_LIVE, maker_live, 3);
    assert_int_equal(made.length, golden.length);
    assert_memory_equal(made.bytes, golden.bytes, made.length);
}

int main(int argc, char **argv)
{
#define LIVE(name) cmocka_unit_test_setup_teardown(name, set_up_live, tear_down)
    const struct CMUnitTest tests[] = {
        LIVE(test_idle),
        LIVE(test_little_is_left),
        LIVE(test_works_on),
        cmocka_unit_test_setup_teardown(test_compressed, set_up_compressed, tear_down),
        LIVE(test_table_for_a_while),
        LIVE(test_new_table),
        LIVE(test_shared_page),
        LIVE(test_frames_change),
        LIVE(test_rounds_end),
        LIVE(test_courses),
        LIVE(test_sweep),
        LIVE(test_connection_lost),
        LIVE(test_deaf),
        LIVE(test_killed),
        cmocka_unit_test(test_flaws),
        cmocka_unit_test(test_golden),
    };

    if (argc == 2) { /* makes the golden file */
        static struct maker_bytes made;
        FILE *file = fopen(argv[1], "w");

        maker_make_live(&made, STREAM_LIVE, maker_live, 3);
        return !file || fwrite(made.bytes, 1, made.length, file) != made.length || fclose(file);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
