/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making a domain is a row of steps, each with what undoes it, in phases that cold creation and
 * shells share.
 */
#ifndef CHAOS_CREATE_H
#define CHAOS_CREATE_H

#include "builder.h"
#include "chaos.h"
#include "shell.h"
#include "shell_window.h"
#include "template.h"

enum shell_kind {
    SHELL_BARE,     /* memory only */
    SHELL_TEMPLATE, /* boot data and page tables of template.h */
    SHELL_WARM      /* a guest that needs no more than its command line */
};

/* What there is of a domain in the making, from its first phase to its last. */
struct shell {
    struct flavour flavour;
    struct record record;
    struct registry_claim claim;
    size_t record_length; /* of a shell's record, in bytes */
    uint32_t store_port;  /* on XenStore's bus */
    struct memory memory;
    bool used;    /* by a guest, or by what was to become one */
    bool devices; /* were asked for */
    enum shell_kind kind;
    struct image_id kernel_id, ramdisk_id; /* of a warm image */
    struct layout layout;                  /* of the template */
    struct shell_window window;            /* unless it is bare */
};

struct creation {
    struct chaos *chaos;
    struct shell *shell;
    struct chaos_config config; /* borrows the caller's strings */
    bool paused;
    int uuid_lock; /* -1: its uuid is one of our own choice */
    struct boot_files files;
    struct build build;
    struct text text; /* of the record */
    char text_room[1024];
};

struct step {
    const char *name;
    int (*run)(struct creation *c, struct chaos_error *err);
    void (*undo)(struct creation *c);
};

struct phase {
    const struct step *steps;
    size_t nr;
};

static inline bool create_on_xenstore(const struct creation *c)
{
    return c->config.bus == CHAOS_BUS_XENSTORE;
}

/* One after another. On failure undoes what was done. timing may be NULL. */
int create_run(struct creation *c, const struct phase *const phases[], size_t nr,
               struct chaos_timing *timing, struct chaos_error *err);
void create_begin(struct creation *c, struct chaos *chaos, struct shell *shell,
                  const struct chaos_config *config);
void create_end(struct creation *c);
void create_result(const struct creation *c, struct chaos_domain *out);

/* create.c: the record of a domain that gets the name of its configuration */
int create_claim_name(struct creation *c, struct chaos_error *err);
void create_drop_name(struct creation *c);

/* create_inputs.c */
int create_clear_abandoned(struct creation *c, struct chaos_error *err);
int create_random(void *buffer, size_t length, struct chaos_error *err);
int create_choose_uuid(struct creation *c, struct chaos_error *err);
/* CHAOS_EXIT_EXISTS: a domain has the configuration's uuid, or is about to. */
int create_take_uuid(struct creation *c, struct chaos_error *err);
int create_choose_macs(struct creation *c, struct chaos_error *err);
int create_check_cmdline(const struct creation *c, struct chaos_error *err);
int create_open_files(struct creation *c, struct chaos_error *err);
int create_lay_out(struct creation *c, struct chaos_error *err);
int create_open_image(struct creation *c, struct chaos_error *err);
void create_close_image(struct creation *c);
int create_check_devices(struct creation *c, struct chaos_error *err);
int create_note_progress(struct creation *c, struct chaos_error *err);

/* create_prepare.c: domain, vcpus, memory, devices */
extern const struct phase create_prepare;

/* create_execute.c */
void create_begin_build(struct creation *c);
int create_load_guest(struct creation *c, struct chaos_error *err);
/* On the XenStore bus; its frames and port are in c->build. */
int create_introduce(struct creation *c, struct chaos_error *err);
int create_set_up_start(struct creation *c, struct chaos_error *err);
int create_wait_devices(struct creation *c, struct chaos_error *err);
int create_start_guest(struct creation *c, struct chaos_error *err);
int create_commit_record(struct creation *c, struct chaos_error *err);

/*
 * shell_execute.c: what execute and restore do with a shell. The name is free, and its record to
 * be; from shell_write_record on it is used up.
 */
int shell_check_name(struct creation *c, struct chaos_error *err);
int shell_write_record(struct creation *c, struct chaos_error *err);
int shell_configure_devices(struct creation *c, struct chaos_error *err);
/* Page tables and vcpu of a template, or of a warm image, go. Its window stays. */
int shell_discard_guest(struct creation *c, struct chaos_error *err);
int shell_commit(struct creation *c, struct chaos_error *err);

/* shell.c: the domain with its devices, then its record; what cannot be is left to be found. */
void shell_unmake(struct chaos *chaos, struct shell *shell);
#endif
