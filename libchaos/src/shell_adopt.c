// SPDX-License-Identifier: BSD-3-Clause
/* Shells that a process left which died. */
#include "shell_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct adoption {
    struct chaos *chaos;
    shell_take *take;
    void *opaque;
};

/* It is what its record says, and never ran. */
static bool is_usable(struct chaos *chaos, const struct shell *shell)
{
    struct hv_info info;

    return chaos->hv->ops->info(chaos->hv, shell->record.domid, &info) == 0 &&
           memcmp(info.uuid, shell->record.uuid, sizeof(info.uuid)) == 0 && info.paused &&
           !info.shutdown && !info.dying && info.cpu_ns == 0 && info.pages == shell->memory.pages;
}

/* Takes the claim over on success only. */
static struct shell *restore(struct chaos *chaos, const struct registry_claim *claim)
{
    cleanup_free char *text = NULL;
    struct shell *shell = calloc(1, sizeof(*shell));
    struct chaos_error ignored;
    size_t length;

    if (shell && registry_read_claim(claim, &text, &length, &ignored) == 0 &&
        shell_record_parse(text, length, shell) && is_usable(chaos, shell) &&
        (shell->kind == SHELL_BARE ||
         shell_window_map(&shell->window, chaos->hv, shell->record.domid, &shell->memory,
                          &ignored) == 0)) {
        shell->devices = true;
        shell->claim = *claim;
        return shell;
    }
    if (shell)
        memory_release(&shell->memory);
    free(shell);
    return NULL;
}

static int adopt_one(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    struct adoption *adoption = opaque;
    struct shell *shell = adoption->take ? restore(adoption->chaos, claim) : NULL;

    (void)err;
    if (shell)
        adoption->take(adoption->opaque, shell);
    else
        chaos_unmake(adoption->chaos, claim, &(struct chaos_error){0}); /* or the next time */
    return 0;
}

int shell_adopt(struct chaos *chaos, shell_take *take, void *opaque, struct chaos_error *err)
{
    struct adoption adoption = {.chaos = chaos, .take = take, .opaque = opaque};
    int rc = registry_visit_abandoned(&chaos->registry, REGISTRY_SHELLS, adopt_one, &adoption, err);

    return rc == -ENOENT ? 0 : rc; /* there never was a shell */
}

static int count_all(void *opaque, const char *name, struct chaos_error *err)
{
    struct shell_count *count = opaque;

    (void)name;
    (void)err;
    count->shells++;
    return 0;
}

static int count_abandoned(void *opaque, struct registry_claim *claim, struct chaos_error *err)
{
    struct shell_count *count = opaque;

    (void)err;
    registry_release(claim);
    count->abandoned++;
    return 0;
}

int shell_count(struct chaos *chaos, struct shell_count *out, struct chaos_error *err)
{
    int rc;

    *out = (struct shell_count){0};
    rc = registry_visit_shells(&chaos->registry, count_all, out, err);
    if (rc == 0)
        rc = registry_visit_abandoned(&chaos->registry, REGISTRY_SHELLS, count_abandoned, out, err);
    return rc == -ENOENT ? 0 : rc;
}
