// SPDX-License-Identifier: BSD-3-Clause
/* What a restored guest is told of its new domain, and its registers. */
#include "restore.h"

#include <errno.h>
#include <string.h>

#include <xen/xen.h>

#define ENTRIES 512u

static void write_start_info(struct start_info *info, const struct restore *restore,
                             uint64_t shared_info)
{
    const struct creation *c = &restore->creation;
    size_t length = strlen(c->config.cmdline);

    if (length >= sizeof(info->cmd_line))
        length = sizeof(info->cmd_line) - 1;
    info->nr_pages = c->shell->memory.pages;
    info->shared_info = shared_info << HV_PAGE_SHIFT;
    info->flags = 0;
    info->store_mfn = c->build.store_frame;
    info->store_evtchn = c->build.store_port;
    info->console.domU.mfn = c->build.console_frame;
    info->console.domU.evtchn = c->shell->record.console_port;
    memset(info->cmd_line, 0, sizeof(info->cmd_line));
    memcpy(info->cmd_line, c->config.cmdline, length);
}

/* Xen cleared this page, and writes there itself: no event is pending, and none comes until the
 * guest wants it. */
static int set_shared_info(struct restore *restore, uint64_t frame, uint32_t upcall_mask,
                           struct chaos_error *err)
{
    const struct creation *c = &restore->creation;
    const uint32_t domid = c->shell->record.domid;
    struct hv *hv = c->chaos->hv;
    uint64_t all[sizeof(((struct shared_info *)NULL)->evtchn_mask) / sizeof(uint64_t)];
    uint32_t vcpu;
    int rc;

    memset(all, 0xff, sizeof(all));
    rc = hv->ops->write_part(hv, domid, frame, offsetof(struct shared_info, evtchn_mask), all,
                             sizeof(all));
    for (vcpu = 0; rc == 0 && vcpu < c->config.vcpus; vcpu++) {
        const uint8_t masked = upcall_mask >> vcpu & 1;

        rc = hv->ops->write_part(hv, domid, frame,
                                 offsetof(struct shared_info, vcpu_info) +
                                     vcpu * sizeof(struct vcpu_info) +
                                     offsetof(struct vcpu_info, evtchn_upcall_mask),
                                 &masked, sizeof(masked));
    }
    return rc < 0 ? hv_error(err, rc, "write its shared info") : 0;
}

/* Entries of the guest's table of frames, from a page on. */
static void fill_leaf(const struct memory *memory, uint64_t pfn, uint64_t leaf[ENTRIES])
{
    const uint64_t left = memory->pages - pfn;
    const size_t nr = left < ENTRIES ? (size_t)left : ENTRIES;
    struct memory_run run = {0};
    size_t i;

    for (i = 0; i < nr; i++, pfn++, run.frame++, run.nr--) {
        if (run.nr == 0)
            run = memory_run(memory, pfn);
        leaf[i] = run.frame;
    }
}

/* What is behind the last entry is the guest's own affair. */
static int write_p2m(struct restore *restore, const uint64_t *p2m, uint64_t page[ENTRIES],
                     struct chaos_error *err)
{
    const struct memory *memory = &restore->creation.shell->memory;
    const uint32_t domid = restore->creation.shell->record.domid;
    struct hv *hv = restore->creation.chaos->hv;
    uint64_t pfn, frame;
    int rc = 0;

    for (pfn = 0; rc == 0 && pfn < memory->pages; pfn += ENTRIES) {
        frame = memory_frame(memory, p2m[pfn / ENTRIES]);
        if (memory->pages - pfn < ENTRIES)
            rc = hv->ops->read_pages(hv, domid, &frame, 1, page);
        fill_leaf(memory, pfn, page);
        if (rc == 0)
            rc = hv->ops->write_pages(hv, domid, &frame, 1, page);
    }
    return rc < 0 ? hv_error(err, rc, "write its table of frames") : 0;
}

static int set_start_info(struct restore *restore, uint64_t shared_info, void *page,
                          struct chaos_error *err)
{
    const uint32_t domid = restore->creation.shell->record.domid;
    struct hv *hv = restore->creation.chaos->hv;
    int rc = hv->ops->read_pages(hv, domid, &restore->start_info_frame, 1, page);

    write_start_info(page, restore, shared_info);
    if (rc == 0)
        rc = hv->ops->write_pages(hv, domid, &restore->start_info_frame, 1, page);
    return rc < 0 ? hv_error(err, rc, "write its start info") : 0;
}

int restore_guest(struct restore *restore, const struct checkpoint_item *item,
                  struct chaos_error *err)
{
    const struct checkpoint_guest *guest = item->guest.guest;
    const struct record *record = &restore->creation.shell->record;
    const struct memory *memory = &restore->creation.shell->memory;
    struct build *build = &restore->creation.build;
    struct hv *hv = restore->creation.chaos->hv;
    uint64_t page[ENTRIES];
    struct hv_info info;
    int rc = hv->ops->info(hv, record->domid, &info);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen about it");
    if (create_on_xenstore(&restore->creation) != (guest->store != CHECKPOINT_NO_PAGE))
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "the guest was saved on the %s bus, and stays on it",
                               guest->store == CHECKPOINT_NO_PAGE ? "noxs" : "XenStore");
    build->console_frame = memory_frame(memory, guest->console);
    if (create_on_xenstore(&restore->creation)) {
        build->store_port = restore->creation.shell->store_port;
        build->store_frame = memory_frame(memory, guest->store);
    }
    restore->start_info_frame = memory_frame(memory, guest->start_info);
    rc = write_p2m(restore, item->guest.p2m, page, err);
    if (rc == 0)
        rc = set_start_info(restore, info.shared_info_frame, page, err);
    if (rc == 0)
        rc = set_shared_info(restore, info.shared_info_frame, guest->upcall_mask, err);
    return rc < 0 ? rc : restore_pin(restore, err);
}

static uint64_t cr3_of(const struct memory *memory, uint64_t cr3)
{
    return xen_pfn_to_cr3(memory_frame(memory, xen_cr3_to_pfn(cr3)));
}

int restore_vcpu(struct restore *restore, const struct checkpoint_item *item,
                 struct chaos_error *err)
{
    const struct memory *memory = &restore->creation.shell->memory;
    struct hv *hv = restore->creation.chaos->hv;
    struct vcpu_guest_context context;
    const void *bytes = item->vcpu.bytes;
    size_t i;
    int rc;

    if (item->vcpu.state == HV_VCPU_CONTEXT) {
        memcpy(&context, bytes, sizeof(context));
        context.ctrlreg[3] = cr3_of(memory, context.ctrlreg[3]);
        if (context.ctrlreg[1] != 0)
            context.ctrlreg[1] = cr3_of(memory, context.ctrlreg[1]);
        for (i = 0; i * 512 < context.gdt_ents; i++)
            context.gdt_frames[i] = memory_frame(memory, context.gdt_frames[i]);
        if (item->vcpu.vcpu == 0)
            context.user_regs.rdx = restore->start_info_frame;
        bytes = &context;
    }
    rc = hv->ops->set_vcpu_state(hv, restore->creation.shell->record.domid, item->vcpu.vcpu,
                                 (enum hv_vcpu_state)item->vcpu.state, bytes, item->vcpu.length);
    return rc < 0 ? hv_error(err, rc, "set the state of vcpu %u", item->vcpu.vcpu) : 0;
}
