/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two phases of a create. A shell is a domain with all that does not depend on who will ask for
 * it (memory, vcpus, devices, perhaps a kernel already loaded); executing it puts a guest into it
 * and lets it run. Cold creation is a shell that is executed at once.
 *
 * A shell may be prepared on one handle and executed on another of the same process, not at the
 * same time.
 */
#ifndef CHAOS_SHELL_H
#define CHAOS_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include <chaos/config.h>
#include <chaos/domain.h>
#include <chaos/error.h>

/* What shells of one pool have in common. */
struct flavour {
    enum chaos_bus bus;
    uint32_t memory_mib, vcpus;
    uint32_t max_event_channels, max_grant_frames; /* as in struct chaos_config */
    uint32_t nr_vifs;
    char bridge[CHAOS_VIFS_MAX][16];
    /* Warm image: already loaded; "" for a shell that takes any kernel. */
    char kernel[256], ramdisk[256];
};

/*
 * The flavour without a warm image of which a shell could become this guest. False: there is none
 * (disks, cpu affinity, device ids other than 0, 1, ...): it has to be created cold.
 */
bool flavour_of(const struct chaos_config *config, struct flavour *out);
bool flavour_equal(const struct flavour *a, const struct flavour *b);
/*
 * How well a shell of this flavour serves the request: 0 exactly and with its image, more the more
 * it wastes (KiB of memory, and 1 for an image still to be loaded); -1: not at all, since the guest
 * would get less, or other things, than was asked for.
 */
int64_t flavour_misfit(const struct flavour *flavour, const struct chaos_config *config);
/* The same for a guest of a checkpoint: it keeps its memory, and no image is of use to it. */
int64_t flavour_misfit_restored(const struct flavour *flavour, const struct chaos_config *config);

struct shell;

struct image_cache;

/* From now on this handle keeps the images that it loads there. It outlives the handle; others may
 * use it, too. */
void shell_keep_images(struct chaos *chaos, struct image_cache *images);

/* On failure nothing of it is left. timing may be NULL. */
int shell_prepare(struct chaos *chaos, const struct flavour *flavour, struct chaos_timing *timing,
                  struct shell **out, struct chaos_error *err);
/*
 * Puts a guest into a shell. Failures that are found before the shell is touched (a bad image, a
 * name that is taken) leave it as it was and set *intact; then it is still the caller's. Otherwise
 * it is used up, whatever came of it: on failure the domain is destroyed, since nobody knows how
 * far it got. A shell that is used up goes to shell_finish, which may be after the reply, but soon:
 * until then others wait who want to change the domain.
 *
 * -ESTALE and *intact: the shell has another image loaded than the file now has: destroy it.
 */
int shell_execute(struct chaos *chaos, struct shell *shell, const struct chaos_config *config,
                  const struct chaos_create_options *options, struct chaos_domain *out,
                  bool *intact, struct chaos_error *err);
/* Lets go of what our process still has of a shell that is used up. Of no shell (NULL): nothing. */
void shell_finish(struct chaos *chaos, struct shell *shell);
/* Of no shell (NULL): nothing. A domain that cannot be destroyed now is left as abandoned. */
void shell_destroy(struct chaos *chaos, struct shell *shell);

uint32_t shell_domid(const struct shell *shell);
const struct flavour *shell_flavour(const struct shell *shell);

/*
 * Takes over the shells that a process left which died, one call of `take` each; destroys those
 * that it was preparing, and those that cannot be used again. Shells of a living process are left
 * alone. May be called again at any time. take NULL: destroys them all.
 */
typedef void shell_take(void *opaque, struct shell *shell);
int shell_adopt(struct chaos *chaos, shell_take *take, void *opaque, struct chaos_error *err);

/* How many shells there are, and how many of them belong to nobody. */
struct shell_count {
    size_t shells, abandoned;
};
int shell_count(struct chaos *chaos, struct shell_count *out, struct chaos_error *err);

#endif
