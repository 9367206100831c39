// SPDX-License-Identifier: BSD-3-Clause
/* What a checkpoint has besides memory: configuration, registers, totals. */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include "cleanup.h"

static int put(struct save *save, enum checkpoint_type type, const void *first, size_t first_size,
               const void *second, size_t second_size, struct chaos_error *err)
{
    const struct iovec parts[] = {{(void *)first, first_size}, {(void *)second, second_size}};

    return stream_put(save->writer, (uint16_t)type, 0, parts, second_size > 0 ? 2 : 1, err);
}

static int put_config(struct save *save, const struct chaos_config *config, struct chaos_error *err)
{
    cleanup(text_release) struct text text;
    struct record whole = {0}, parsed;
    char room[1024];
    int rc;

    text_begin(&text, room, sizeof(room));
    memcpy(whole.uuid, config->uuid, sizeof(whole.uuid));
    rc = record_format(&whole, config, &text, err);
    if (rc == 0)
        rc = record_parse(text.bytes, text.length, &parsed, err);
    if (rc < 0)
        return rc;
    if (parsed.config_length > CHECKPOINT_CONFIG_MAX)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_CONFIG, "its configuration is too long");
    return put(save, CHECKPOINT_CONFIG, parsed.config, parsed.config_length, NULL, 0, err);
}

int save_head(struct save *save, const struct chaos_config *config, struct chaos_error *err)
{
    struct checkpoint_domain *domain = &save->domain;
    struct hv_host host;
    int rc = save->hv->ops->host(save->hv, &host);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen what this host is");
    if (save->info.translated)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE, "only PV guests can be saved");
    if (save->info.vcpus > CHECKPOINT_VCPUS_MAX || save->info.pages > CHECKPOINT_PAGES_MAX)
        return chaos_error_set(err, -E2BIG, CHAOS_EXIT_FAILURE,
                               "a guest can be saved that has up to %u vcpus and %llu GiB",
                               CHECKPOINT_VCPUS_MAX, CHECKPOINT_PAGES_MAX >> 18);
    if (save->info.pages != (uint64_t)config->memory_mib << 8)
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "it has %llu pages of the %llu that it was given: a guest that "
                               "gave some back cannot be saved",
                               (unsigned long long)save->info.pages,
                               (unsigned long long)config->memory_mib << 8);
    *domain = (struct checkpoint_domain){.pages = save->info.pages,
                                         .vcpus = save->info.vcpus,
                                         .xen_major = (uint16_t)host.major,
                                         .xen_minor = (uint16_t)host.minor};
    memcpy(domain->uuid, save->info.uuid, sizeof(domain->uuid));
    memcpy(domain->hw_caps, host.hw_caps, sizeof(domain->hw_caps));
    rc = put_config(save, config, err);
    return rc < 0 ? rc : put(save, CHECKPOINT_DOMAIN, domain, sizeof(*domain), NULL, 0, err);
}

/* ---------------------------------------------------------------- registers */

static int not_its_frame(struct chaos_error *err, const char *what)
{
    return chaos_error_set(err, -EFAULT, CHAOS_EXIT_FAILURE, "%s is no frame of its memory", what);
}

static bool to_pfn(const struct guest_frames *frames, uint64_t *frame)
{
    *frame = guest_frames_pfn(frames, *frame);
    return *frame != NO_PFN;
}

static bool cr3_to_pfn(const struct guest_frames *frames, uint64_t *cr3)
{
    uint64_t frame = xen_cr3_to_pfn(*cr3);

    if (!to_pfn(frames, &frame))
        return false;
    *cr3 = xen_pfn_to_cr3(frame);
    return true;
}

static int make_canonical(const struct guest_frames *frames, struct vcpu_guest_context *context,
                          struct chaos_error *err)
{
    size_t i;

    if (!cr3_to_pfn(frames, &context->ctrlreg[3]) ||
        (context->ctrlreg[1] != 0 && !cr3_to_pfn(frames, &context->ctrlreg[1])))
        return not_its_frame(err, "the root of its page tables");
    for (i = 0; i < sizeof(context->gdt_frames) / sizeof(context->gdt_frames[0]); i++)
        if (i * 512 >= context->gdt_ents)
            context->gdt_frames[i] = 0;
        else if (!to_pfn(frames, &context->gdt_frames[i]))
            return not_its_frame(err, "its segment table");
    return 0;
}

static int put_vcpu(struct save *save, uint32_t vcpu, uint8_t *room, struct chaos_error *err)
{
    struct checkpoint_vcpu head = {.vcpu = vcpu};
    int size, rc;

    for (head.state = 0; head.state < HV_VCPU_STATES; head.state++) {
        size = save->hv->ops->get_vcpu_state(save->hv, save->info.domid, vcpu,
                                             (enum hv_vcpu_state)head.state, room,
                                             CHECKPOINT_VCPU_MAX - sizeof(head));
        if (size < 0)
            return hv_error(err, size, "read the state of vcpu %u", vcpu);
        if (head.state == HV_VCPU_CONTEXT) {
            if (size == 0 && vcpu > 0)
                return 0; /* it was never brought up */
            if (size != (int)sizeof(struct vcpu_guest_context))
                return hv_error(err, -EINVAL, "read the registers of vcpu %u", vcpu);
            rc = make_canonical(&save->frames, (struct vcpu_guest_context *)room, err);
            if (rc < 0)
                return rc;
        }
        if (size == 0)
            continue;
        rc = put(save, CHECKPOINT_VCPU, &head, sizeof(head), room, (size_t)size, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A guest that suspends itself has the frame of its start info in a register. */
static int find_start_info(struct save *save, const struct vcpu_guest_context *context,
                           uint64_t *pfn, struct chaos_error *err)
{
    *pfn = context->user_regs.rdx;
    if (!to_pfn(&save->frames, pfn))
        return not_its_frame(err, "its start info");
    return 0;
}

/* By the protocol the guest has put its own page number where the ring's frame stood. */
static int find_store(struct save *save, uint64_t start_info, uint64_t *pfn,
                      struct chaos_error *err)
{
    void *address;
    int rc = save->hv->ops->map(save->hv, save->info.domid, &save->frames.frame[start_info], 1,
                                false, &address);

    if (rc < 0)
        return hv_error(err, rc, "map its start info");
    *pfn = ((const volatile struct start_info *)address)->store_mfn;
    save->hv->ops->unmap(save->hv, address, 1);
    return *pfn < save->frames.pages ? 0 : not_its_frame(err, "its ring to XenStore");
}

int save_find_pages(struct save *save, const struct record *record, enum chaos_bus bus,
                    struct checkpoint_guest *out, struct chaos_error *err)
{
    const struct guest_frames *frames = &save->frames;
    struct vcpu_guest_context context;
    int rc = save->hv->ops->get_vcpu_state(save->hv, save->info.domid, 0, HV_VCPU_CONTEXT, &context,
                                           sizeof(context));

    if (rc != (int)sizeof(context))
        return hv_error(err, rc < 0 ? rc : -EINVAL, "read its registers");
    *out = (struct checkpoint_guest){.upcall_mask = frames->upcall_mask,
                                     .nr_p2m = (uint32_t)frames->nr_p2m,
                                     .console = record->console_frame,
                                     .store = CHECKPOINT_NO_PAGE};
    rc = find_start_info(save, &context, &out->start_info, err);
    if (rc == 0 && !to_pfn(frames, &out->console))
        rc = not_its_frame(err, "its console");
    if (rc == 0 && bus == CHAOS_BUS_XENSTORE)
        rc = find_store(save, out->start_info, &out->store, err);
    return rc;
}

static int put_guest(struct save *save, const struct record *record, enum chaos_bus bus,
                     struct chaos_error *err)
{
    const struct guest_frames *frames = &save->frames;
    struct checkpoint_guest guest;
    int rc = save_find_pages(save, record, bus, &guest, err);

    return rc < 0 ? rc
                  : put(save, CHECKPOINT_GUEST, &guest, sizeof(guest), frames->p2m,
                        frames->nr_p2m * sizeof(*frames->p2m), err);
}

int save_tail(struct save *save, const struct record *record, enum chaos_bus bus,
              struct chaos_error *err)
{
    cleanup_free uint8_t *room = malloc(CHECKPOINT_VCPU_MAX);
    struct checkpoint_end end = {.pages = save->frames.pages, .stored_pages = save->stored_pages};
    uint32_t vcpu;
    int rc;

    if (!room)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE, "out of memory");
    rc = put_guest(save, record, bus, err);
    for (vcpu = 0; rc == 0 && vcpu < save->info.vcpus; vcpu++)
        rc = put_vcpu(save, vcpu, room, err);
    if (rc < 0)
        return rc;
    end.bytes = save->writer->offset;
    end.sum = xxh64_end(&save->writer->all);
    return put(save, CHECKPOINT_END, &end, sizeof(end), NULL, 0, err);
}
