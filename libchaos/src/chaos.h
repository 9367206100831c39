/* SPDX-License-Identifier: BSD-3-Clause */
/* The handle, and what its operations share. */
#ifndef CHAOS_CHAOS_H
#define CHAOS_CHAOS_H

#include <chaos/domain.h>

#include "bus.h"
#include "hv.h"
#include "image_cache.h"
#include "record.h"
#include "registry.h"

struct chaos {
    struct hv *hv;
    struct bus *bus;
    struct registry registry;
    struct image_cache *images; /* not of the handle's own; NULL: files are read each time */
};

/* A handle on any hypervisor and bus, which it closes; run_dir NULL: the default. */
int chaos_new(struct hv *hv, struct bus *bus, const char *run_dir, struct chaos **out,
              struct chaos_error *err);

void chaos_domain_fill(const struct hv_info *info, const char *name, struct chaos_domain *out);

/*
 * The record of the domain with this name. -ENOENT without an error text: there is none, or its
 * domain is gone or another one. free(*text), into which the record points.
 */
int chaos_read_record(struct chaos *chaos, const char *name, struct record *record, char **text,
                      struct hv_info *info, struct chaos_error *err);

/*
 * Unmakes what a claimed record stands for: the domain with its uuid, wherever it is, its devices,
 * the record.
 */
int chaos_unmake(struct chaos *chaos, struct registry_claim *claim, struct chaos_error *err);

/*
 * Destroys a domain and its devices: the devices last, since it may have pages of theirs mapped.
 * That there is no such domain is no failure.
 */
int chaos_end_domain(struct chaos *chaos, enum chaos_bus bus, uint32_t domid,
                     struct chaos_error *err);

/* chaos_domain_destroy for who carries out a migration of the domain; others are kept from it. */
int chaos_destroy_moved(struct chaos *chaos, const struct chaos_domain *domain,
                        struct chaos_error *err);

/* The domain with this uuid; -ENOENT: there is none. On a Xen without our patches it walks all. */
int chaos_find_uuid(struct chaos *chaos, const uint8_t uuid[16], struct hv_info *out);

/* Unmakes what processes that died had begun to make or unmake. */
void chaos_reap(struct chaos *chaos);

/* Forgets a record that is damaged or whose domain is gone; false: it is good, or there is none. */
bool chaos_forget_stale(struct chaos *chaos, const char *name);

#endif
