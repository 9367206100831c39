// SPDX-License-Identifier: BSD-3-Clause
#include "move_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf_maker.h"
#include "scratch.h"

void open_target(struct fixture *f)
{
    assert_int_equal(guest_target_open(f->there, &f->note, NULL, NULL, &f->target, &f->err), 0);
}

static int set_up_on(void **state, enum chaos_bus bus)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *dir = scratch_make();
    const struct guest_source_options how = {.timeout_ms = 20};
    struct elf_maker maker;
    char other[160];

    f->dir = dir;
    f->fake = fake_hv_new();
    elf_make(&maker);
    strcpy(f->kernel, scratch_file("kernel", maker.bytes, maker.size));
    snprintf(other, sizeof(other), "%s/there", dir);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, dir, &f->here, &f->err), 0);
    assert_int_equal(chaos_new(&f->fake->hv, &f->fake->bus, other, &f->there, &f->err), 0);
    strcpy(f->config.name, "guest");
    f->config.bus = bus;
    f->config.kernel = f->kernel;
    f->config.cmdline = (char *)"";
    f->config.memory_mib = f->config.vcpus = f->config.nr_vifs = 1;
    strcpy(f->config.vifs[0].bridge, "xenbr0");
    assert_int_equal(chaos_domain_create(f->here, &f->config, NULL, &f->domain, &f->err), 0);
    f->note = (struct migrate_note){.role = MIGRATE_TARGET, .name = "guest"};
    assert_int_equal(guest_source_open(f->here, &f->domain, &how, &f->source, &f->err), 0);
    open_target(f);
    *state = f;
    return 0;
}

int set_up(void **state)
{
    return set_up_on(state, CHAOS_BUS_NOXS);
}

int set_up_xenstore(void **state)
{
    return set_up_on(state, CHAOS_BUS_XENSTORE);
}

int tear_down(void **state)
{
    struct fixture *f = *state;

    guest_source_close(f->source);
    guest_target_close(f->target);
    chaos_close(f->there);
    chaos_close(f->here);
    fake_hv_free(f->fake);
    scratch_remove();
    free(f);
    return 0;
}

void prepare(struct fixture *f)
{
    struct migrate_offer offer;

    assert_int_equal(guest_source_offer(f->source, &offer, &f->err), 0);
    if (guest_target_ops.prepare(f->target, &offer, &f->note, &f->err) != 0)
        fail_msg("%s", f->err.text);
    assert_int_not_equal(f->note.domid, 0);
}

void transfer(struct fixture *f)
{
    if (guest_source_send(f->source, maker_write, &f->bytes, &f->err) != 0)
        fail_msg("%s", f->err.text);
    if (guest_target_ops.load(f->target, maker_read, &f->bytes, &f->err) != 0)
        fail_msg("%s", f->err.text);
}

struct fake_domain *copy_of(struct fixture *f)
{
    struct chaos_domain domain;

    if (chaos_domain_find(f->there, "guest", &domain, &f->err) != 0)
        return NULL;
    return fake_domain(f->fake, domain.domid);
}
