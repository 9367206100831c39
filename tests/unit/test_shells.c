// SPDX-License-Identifier: BSD-3-Clause
/* Shells on the hypervisor in memory: prepared, executed, adopted, with every call failing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "chaos.h"
#include "elf_maker.h"
#include "fake_hv.h"
#include "scratch.h"
#include "shell.h"

struct fixture {
    struct fake_hv *fake;
    struct chaos *chaos;
    struct chaos_config config;
    struct flavour flavour, warm;
    struct chaos_error err;
    char kernel[128], ramdisk[128];
    const char *dir;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct elf_maker maker;

    f->dir = scratch_make();
    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    strcpy(f->ramdisk, scratch_file("ramdisk", "ramdisk contents", 16));
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, f->dir, &f->chaos, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"one two";
    f->config.memory_mib = 1;
    f->config.vcpus = 1;
    f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    assert_true(flavour_of(&f->config, &f->flavour));
    f->warm = f->flavour;
    strcpy(f->warm.kernel, f->kernel);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    chaos_close(f->chaos);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

static void assert_nothing_left(struct fixture *f)
{
    fake_hv_assert_empty(f->fake);
    assert_int_equal(scratch_count("domains"), 0);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("shells"), 0);
    assert_int_equal(scratch_count("ids"), 0);
}

static struct shell *prepare(struct fixture *f, const struct flavour *flavour)
{
    struct shell *shell;

    if (shell_prepare(f->chaos, flavour, NULL, &shell, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return shell;
}

static void execute(struct fixture *f, struct shell *shell, struct chaos_domain *domain)
{
    bool intact;

    if (shell_execute(f->chaos, shell, &f->config, NULL, domain, &intact, &f->err) < 0)
        fail_msg("%s", f->err.text);
    assert_false(intact);
}

static void check_guest(struct fixture *f, const struct chaos_domain *domain)
{
    struct fake_domain *fake = fake_domain(f->fake, domain->domid);
    struct start_info *info;
    unsigned char *byte;
    size_t i;

    assert_true(fake->started);
    info = fake_virtual(f->fake, domain->domid, fake->vcpu.start_info, NULL);
    assert_string_equal((const char *)info->cmd_line, "one two");
    assert_int_equal(info->console.domU.evtchn, 1);
    for (i = 0; i < ELF_TEXT_SIZE + ELF_BSS_SIZE; i++) {
        byte = fake_virtual(f->fake, domain->domid, ELF_BASE + i, NULL);
        assert_int_equal(*byte, i < ELF_TEXT_SIZE ? (unsigned char)(i * 7 + 1) : 0);
    }
    assert_memory_equal(fake->mac, "\x00\x16\x3e", 3);
}

static void test_prepare_and_execute(void **state)
{
    struct fixture *f = *state;
    const struct flavour *flavours[] = {&f->flavour, &f->warm};
    struct chaos_domain domain, found;
    size_t i;

    for (i = 0; i < 2; i++) {
        struct shell *shell = prepare(f, flavours[i]);

        assert_int_equal(scratch_count("shells"), 1);
        assert_false(fake_domain(f->fake, shell_domid(shell))->started);
        execute(f, shell, &domain);
        assert_int_equal(domain.domid, shell_domid(shell));
        check_guest(f, &domain);
        shell_finish(f->chaos, shell);
        assert_int_equal(f->fake->mapped, 0);
        assert_int_equal(scratch_count("shells"), 0);
        assert_int_equal(chaos_domain_find(f->chaos, "guest", &found, &f->err), 0);
        assert_int_equal(found.domid, domain.domid);
        assert_int_equal(chaos_domain_destroy(f->chaos, &found, false, &f->err), 0);
        assert_nothing_left(f);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_prepare_and_execute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
