// SPDX-License-Identifier: BSD-3-Clause
/* hv_ops on Xen: memory of other domains. */
#include "hv_xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/grant_table.h>

#include "noxs_abi.h"

#define TRIES 8 /* to have memory of ours stay while Xen copies */

static int open_memory(struct hv_xen *xen)
{
    if (!xen->memory) {
        xen->memory = xenforeignmemory_open(&hv_xen_quiet, 0);
    }
    return xen->memory ? 0 : -errno;
}

int hv_xen_map(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, bool write,
               void **address)
{
    struct hv_xen *xen = hv_xen(hv);
    int rc = open_memory(xen);

    _Static_assert(sizeof(xen_pfn_t) == sizeof(*frames), "frames are passed as they are");
    if (rc < 0) {
        return rc;
    }
    /* Without an array for errors one bad frame fails the whole call. */
    *address = xenforeignmemory_map(xen->memory, domid, PROT_READ | (write ? PROT_WRITE : 0), nr,
                                    (const xen_pfn_t *)frames, NULL);
    return *address ? 0 : -errno;
}

void hv_xen_unmap(struct hv *hv, void *address, size_t nr)
{
    (void)hv; /* another handle may have mapped it */
    munmap(address, nr * HV_PAGE_SIZE);
}

/* ---------------------------------------------------------------- copies */

/* The same part of each of some pages, to or from a buffer that has one part after the other. */
struct parts {
    uint32_t domid;
    const uint64_t *frames;
    size_t nr, offset, length;
    char *buffer;
    bool write;
};

static int map_and_copy(struct hv *hv, const struct parts *parts)
{
    char *address, *buffer = parts->buffer;
    void *mapped;
    size_t i;
    int rc = hv_xen_map(hv, parts->domid, parts->frames, parts->nr, parts->write, &mapped);

    if (rc < 0)
        return rc;
    for (i = 0; i < parts->nr; i++, buffer += parts->length) {
        address = (char *)mapped + i * HV_PAGE_SIZE + parts->offset;
        memcpy(parts->write ? address : buffer, parts->write ? buffer : address, parts->length);
    }
    hv_xen_unmap(hv, mapped, parts->nr);
    return 0;
}

static void touch_byte(volatile char *at, bool write)
{
    const char byte = *at;

    if (!write)
        *at = byte;
}

/* Pages of ours that are not there, or shared, are by now what a hypercall needs. The buffer may
 * begin anywhere. */
static void touch(const struct parts *parts)
{
    const size_t size = parts->nr * parts->length;
    size_t i;

    for (i = 0; i < size; i += HV_PAGE_SIZE)
        touch_byte(parts->buffer + i, parts->write);
    touch_byte(parts->buffer + size - 1, parts->write);
}

/* How many parts were copied, or -errno. */
static int copy_some(struct hv_xen *xen, const struct parts *parts)
{
    struct noxs_op_copy *op = xen->control;
    const size_t nr = parts->nr < NOXS_COPY_PAGES ? parts->nr : NOXS_COPY_PAGES;
    int rc;

    *op = (struct noxs_op_copy){.domid = (uint16_t)parts->domid,
                                .nr = (uint16_t)nr,
                                .offset = (uint16_t)parts->offset,
                                .length = (uint16_t)parts->length,
                                .flags = parts->write ? NOXS_COPY_WRITE : 0,
                                .buffer = (uintptr_t)parts->buffer};
    memcpy(op->frame, parts->frames, nr * sizeof(*parts->frames));
    if (xencall2(xen->call, NOXS_HYPERCALL, NOXS_OP_COPY, (uintptr_t)op) == 0)
        return (int)nr;
    rc = -errno;
    return rc == -EFAULT && op->nr > 0 && op->nr < nr ? op->nr : rc;
}

/*
 * Memory of ours that is not locked may go at any time, so that a call fails with EFAULT: then it
 * is touched, and asked again, but not for ever.
 */
static int copy(struct hv *hv, struct parts parts)
{
    struct hv_xen *xen = hv_xen(hv);
    int done, tries = 0;

    while (parts.nr > 0 && !xen->maps) {
        done = copy_some(xen, &parts);
        if (done > 0) {
            parts.frames += done;
            parts.nr -= (size_t)done;
            parts.buffer += (size_t)done * parts.length;
            tries = 0;
        } else if (done == -EFAULT && ++tries <= TRIES) {
            touch(&parts);
        } else if (done == -ENOSYS || done == -EOPNOTSUPP || done == -EFAULT) {
            xen->maps = true;
        } else {
            return done;
        }
    }
    return parts.nr > 0 ? map_and_copy(hv, &parts) : 0;
}

int hv_xen_read_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr, void *to)
{
    return copy(
        hv, (struct parts){
                .domid = domid, .frames = frames, .nr = nr, .length = HV_PAGE_SIZE, .buffer = to});
}

int hv_xen_write_pages(struct hv *hv, uint32_t domid, const uint64_t *frames, size_t nr,
                       const void *from)
{
    return copy(hv, (struct parts){.domid = domid,
                                   .frames = frames,
                                   .nr = nr,
                                   .length = HV_PAGE_SIZE,
                                   .buffer = (char *)from, /* which is only read */
                                   .write = true});
}

int hv_xen_write_part(struct hv *hv, uint32_t domid, uint64_t frame, size_t offset,
                      const void *from, size_t length)
{
    return copy(hv, (struct parts){.domid = domid,
                                   .frames = &frame,
                                   .nr = 1,
                                   .offset = offset,
                                   .length = length,
                                   .buffer = (char *)from,
                                   .write = true});
}

int hv_xen_grant(struct hv *hv, uint32_t domid, const struct hv_grant *grants, size_t nr)
{
    struct hv_xen *xen = hv_xen(hv);
    xenforeignmemory_resource_handle *resource;
    grant_entry_v1_t *table;
    void *address = NULL;
    int rc = open_memory(xen);

    if (rc < 0) {
        return rc;
    }
    resource = xenforeignmemory_map_resource(
        xen->memory, (domid_t)domid, XENMEM_resource_grant_table,
        XENMEM_resource_grant_table_id_shared, 0, 1, &address, PROT_READ | PROT_WRITE, 0);
    if (!resource) {
        return -errno;
    }
    table = address;
    for (size_t i = 0; i < nr; i++) {
        /* domid 0: to dom0 */
        table[grants[i].ref] =
            (grant_entry_v1_t){.flags = GTF_permit_access, .frame = (uint32_t)grants[i].frame};
    }
    xenforeignmemory_unmap_resource(xen->memory, resource);
    return 0;
}
