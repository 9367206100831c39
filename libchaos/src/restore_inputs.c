// SPDX-License-Identifier: BSD-3-Clause
/* Whether this host can have the guest of a checkpoint, and which guest that is then. */
#include "restore.h"

#include <errno.h>
#include <string.h>

#include "config_series.h"

static bool overridden(const struct restore *restore, const char *key)
{
    const struct chaos_restore_options *options = restore->options;

    return options && config_overridden(options->overrides, options->nr_overrides, key);
}

/* A second guest from the same checkpoint is another guest. */
static int become_another(struct creation *c, struct chaos_error *err)
{
    const bool keep_macs = restore_of(c)->moved || overridden(restore_of(c), "vif");
    uint32_t i;
    int rc = create_choose_uuid(c, err);

    for (i = 0; !keep_macs && i < c->config.nr_vifs; i++)
        memset(c->config.vifs[i].mac, 0, sizeof(c->config.vifs[i].mac));
    return rc;
}

int restore_choose_identity(struct creation *c, struct chaos_error *err)
{
    static const uint8_t none[16];
    int rc;

    if (memcmp(c->config.uuid, none, sizeof(none)) == 0)
        rc = create_choose_uuid(c, err);
    else
        rc = create_take_uuid(c, err);
    if ((rc == -EEXIST || rc == -EBUSY) && !overridden(restore_of(c), "uuid"))
        rc = become_another(c, err);
    return rc < 0 ? rc : create_choose_macs(c, err);
}

static int check_host(struct creation *c, struct chaos_error *err)
{
    const struct checkpoint_domain *domain = restore_of(c)->domain;
    struct hv *hv = c->chaos->hv;
    struct hv_host host;
    unsigned int i;
    int rc = hv->ops->host(hv, &host);

    if (rc < 0)
        return hv_error(err, rc, "ask Xen what this host is");
    if (host.major < domain->xen_major ||
        (host.major == domain->xen_major && host.minor < domain->xen_minor))
        return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                               "it was saved on Xen %u.%u, this is %u.%u", domain->xen_major,
                               domain->xen_minor, host.major, host.minor);
    for (i = 0; i < sizeof(domain->hw_caps) / sizeof(domain->hw_caps[0]); i++)
        if (domain->hw_caps[i] & ~host.hw_caps[i])
            return chaos_error_set(err, -EOPNOTSUPP, CHAOS_EXIT_FAILURE,
                                   "the processor lacks features that the one had on which it "
                                   "was saved (word %u: 0x%08x)",
                                   i, domain->hw_caps[i] & ~host.hw_caps[i]);
    if (c->shell->record.domid == 0 && host.free_pages + host.scrub_pages < domain->pages)
        return chaos_error_set(err, -ENOMEM, CHAOS_EXIT_RESOURCE,
                               "not enough free memory: the guest needs %llu KiB, the host has "
                               "%llu",
                               (unsigned long long)domain->pages * 4,
                               (unsigned long long)(host.free_pages + host.scrub_pages) * 4);
    return 0;
}

int restore_check(struct creation *c, struct chaos_error *err)
{
    const struct checkpoint_domain *domain = restore_of(c)->domain;

    if ((uint64_t)c->config.memory_mib << 8 != domain->pages || c->config.vcpus != domain->vcpus)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_CONFIG,
                               "the guest was saved with memory=%llu and vcpus=%u, and keeps them",
                               (unsigned long long)domain->pages >> 8, domain->vcpus);
    return check_host(c, err);
}
