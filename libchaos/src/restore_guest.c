// SPDX-License-Identifier: BSD-3-Clause
/* What a restored guest is told of its new domain, and its registers. */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "cleanup.h"

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

/* Xen cleared this page: no event is pending, and none comes until the guest wants it. */
static void write_shared_info(struct shared_info *shared, uint32_t upcall_mask)
{
    size_t i;

    for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        shared->vcpu_info[i].evtchn_upcall_mask = upcall_mask >> i & 1;
    memset(shared->evtchn_mask, 0xff, sizeof(shared->evtchn_mask));
}

static void write_p2m(const struct memory *memory, char *leaves)
{
    uint64_t *entry = (uint64_t *)leaves;
    uint64_t pfn = 0;

    while (pfn < memory->pages) {
        struct memory_run run = memory_run(memory, pfn);

        for (pfn += run.nr; run.nr > 0; run.nr--)
            *entry++ = run.frame++;
    }
}

int restore_guest(struct restore *restore, const struct checkpoint_item *item,
                  struct chaos_error *err)
{
    const struct checkpoint_guest *guest = item->guest.guest;
    const struct record *record = &restore->creation.shell->record;
    const struct memory *memory = &restore->creation.shell->memory;
    struct build *build = &restore->creation.build;
    const size_t leaves = (size_t)((memory->pages + ENTRIES - 1) / ENTRIES);
    cleanup_free uint64_t *frames = malloc((leaves + 2) * sizeof(*frames));
    struct hv *hv = restore->creation.chaos->hv;
    struct hv_info info;
    void *address;
    size_t i;
    int rc = hv->ops->info(hv, record->domid, &info);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen about it");
    if (!frames)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    if (create_on_xenstore(&restore->creation) && guest->store == CHECKPOINT_NO_PAGE)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "the guest was not saved on the XenStore bus");
    /* In the order in which they are written: the table's pages follow each other. */
    for (i = 0; i < leaves; i++)
        frames[i] = memory_frame(memory, item->guest.p2m[i]);
    frames[leaves] = memory_frame(memory, guest->start_info);
    frames[leaves + 1] = info.shared_info_frame;
    rc = hv->ops->map(hv, record->domid, frames, leaves + 2, true, &address);
    if (rc < 0)
        return hv_error(err, rc, "map its memory");
    build->console_frame = memory_frame(memory, guest->console);
    if (create_on_xenstore(&restore->creation)) {
        build->store_port = restore->creation.shell->store_port;
        build->store_frame = memory_frame(memory, guest->store);
    }
    restore->start_info_frame = frames[leaves];
    write_p2m(memory, address);
    write_start_info((void *)((char *)address + leaves * HV_PAGE_SIZE), restore,
                     info.shared_info_frame);
    write_shared_info((void *)((char *)address + (leaves + 1) * HV_PAGE_SIZE), guest->upcall_mask);
    hv->ops->unmap(hv, address, leaves + 2);
    return restore_pin(restore, err);
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
