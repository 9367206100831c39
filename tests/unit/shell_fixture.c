// SPDX-License-Identifier: BSD-3-Clause
#include "shell_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <xen/xen.h>

#include "elf_maker.h"
#include "scratch.h"

#define TEXT_BYTE(i) ((unsigned char)((i)*7 + 1))

/* Our guests' kind: at the template's address, wants nothing mapped but what is there. */
void fixture_write_kernel(struct fixture *f, unsigned char first_byte)
{
    struct elf_maker maker;

    elf_make(&maker);
    elf_add_number(&maker, "chaos", IMAGE_NOTE_BOOT_WINDOW, 0);
    maker.bytes[ELF_TEXT_OFFSET] = first_byte;
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
}

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dir = scratch_make();
    f->fake = fake_hv_new();
    fixture_write_kernel(f, TEXT_BYTE(0));
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

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    chaos_close(f->chaos);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

struct shell *fixture_prepare(struct fixture *f, const struct flavour *flavour)
{
    struct shell *shell;

    if (shell_prepare(f->chaos, flavour, NULL, &shell, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return shell;
}

void fixture_execute(struct fixture *f, struct shell *shell, struct chaos_domain *domain)
{
    bool intact;

    if (shell_execute(f->chaos, shell, &f->config, NULL, domain, &intact, &f->err) < 0)
        fail_msg("%s", f->err.text);
    assert_false(intact);
}

void fixture_destroy(struct fixture *f, const char *name)
{
    struct chaos_domain domain;

    if (chaos_domain_find(f->chaos, name, &domain, &f->err) < 0 ||
        chaos_domain_destroy(f->chaos, &domain, false, &f->err) < 0)
        fail_msg("%s", f->err.text);
}

void fixture_assert_nothing_left(struct fixture *f)
{
    fake_hv_assert_empty(f->fake);
    assert_int_equal(scratch_count("domains"), 0);
    assert_int_equal(scratch_count("pending"), 0);
    assert_int_equal(scratch_count("shells"), 0);
    assert_int_equal(scratch_count("ids"), 0);
}

static void check_kernel(struct fixture *f, uint32_t domid)
{
    unsigned char *page = NULL;
    size_t i;

    for (i = 0; i < ELF_TEXT_SIZE + ELF_BSS_SIZE; i++) {
        if (i % HV_PAGE_SIZE == 0) {
            if (page)
                munmap(page, HV_PAGE_SIZE);
            page = fake_virtual(f->fake, domid, ELF_BASE + i, NULL);
            assert_non_null(page);
        }
        assert_int_equal(page[i % HV_PAGE_SIZE], i < ELF_TEXT_SIZE ? TEXT_BYTE(i) : 0);
    }
    munmap(page, HV_PAGE_SIZE);
}

void fixture_check_guest(struct fixture *f, const struct chaos_domain *domain)
{
    struct fake_domain *fake = fake_domain(f->fake, domain->domid);
    struct start_info *info;
    bool writable;

    assert_non_null(fake);
    assert_true(fake->started);
    assert_memory_equal(fake->uuid, domain->uuid, sizeof(domain->uuid));
    info = fake_virtual(f->fake, domain->domid, fake->vcpu.start_info, &writable);
    assert_true(writable);
    assert_string_equal((const char *)info->cmd_line, "one two");
    assert_int_equal(info->console.domU.evtchn, 1);
    assert_int_equal(info->nr_pages, fake->pages);
    assert_int_equal(fake->vcpu.entry, ELF_BASE + 16);
    assert_non_null(fake_virtual(f->fake, domain->domid, fake->vcpu.stack - 8, &writable));
    assert_true(writable);
    assert_int_equal(fake->hypercall_frame, fake->extent[0].frame + 3);
    munmap(info, HV_PAGE_SIZE);
    check_kernel(f, domain->domid);
    assert_memory_equal(fake->mac, f->config.nr_vifs ? "\x00\x16\x3e" : "\0\0", 3);
}
