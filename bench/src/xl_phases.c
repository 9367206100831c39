/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into xl: measures how long a create spends in each category of the paper's figure 5,
 * and adds one line with them to the file $BENCH_PHASES when it ends.
 *
 * It takes the place of the functions that xl, libxl and libxenguest call in other libraries. Time
 * belongs to the innermost of them that is being called; a hypercall while the kernel is being
 * loaded counts as hypervisor. What libxl waits for while it creates a domain are device back-ends
 * and hotplug scripts, so waiting is devices.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum category { PARSE, HYPERVISOR, XENSTORE, DEVICES, LOAD, TOOLSTACK, CATEGORIES };

static enum category current = TOOLSTACK;
static int64_t since, total[CATEGORIES];
static bool creating, created;
static pid_t self, thread; /* only the first thread's time is xl's */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static enum category enter(enum category category)
{
    enum category before = current;
    int64_t now = now_ns();

    total[current] += now - since;
    since = now;
    current = category;
    return before;
}

typedef long function(long, long, long, long, long, long);

static function *find(const char *name)
{
    function *found = (function *)dlsym(RTLD_NEXT, name);

    if (found)
        return found;
    fprintf(stderr, "xl-phases: no %s\n", name);
    abort();
}

/* All of these take at most six integers or pointers, which travel in registers. */
#define CALL(name)                                                                                 \
    static function *real;                                                                         \
    long result;                                                                                   \
                                                                                                   \
    if (!real)                                                                                     \
        real = find(#name);                                                                        \
    result = real(a, b, c, d, e, f)

#define FUNCTION(name)                                                                             \
    long timed_##name(long a, long b, long c, long d, long e, long f) __asm__(#name);              \
    long timed_##name(long a, long b, long c, long d, long e, long f)

#define TIMED_IF(condition, kind, name)                                                            \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        bool timed = gettid() == thread && (condition);                                            \
        enum category before = timed ? enter(kind) : current;                                      \
        CALL(name);                                                                                \
                                                                                                   \
        if (timed)                                                                                 \
            enter(before);                                                                         \
        return result;                                                                             \
    }

#define TIMED(kind, name) TIMED_IF(true, kind, name)

TIMED(XENSTORE, xs_open)
TIMED(XENSTORE, xs_close)
TIMED(XENSTORE, xs_daemon_destroy_postfork)
TIMED(XENSTORE, xs_directory)
TIMED(XENSTORE, xs_read)
TIMED(XENSTORE, xs_write)
TIMED(XENSTORE, xs_mkdir)
TIMED(XENSTORE, xs_rm)
TIMED(XENSTORE, xs_set_permissions)
TIMED(XENSTORE, xs_watch)
TIMED(XENSTORE, xs_unwatch)
TIMED(XENSTORE, xs_check_watch)
TIMED(XENSTORE, xs_read_watch)
TIMED(XENSTORE, xs_transaction_start)
TIMED(XENSTORE, xs_transaction_end)
TIMED(XENSTORE, xs_introduce_domain)
TIMED(XENSTORE, xs_release_domain)
TIMED(XENSTORE, xs_get_domain_path)
TIMED(XENSTORE, xs_set_target)

/* libxencall, libxenforeignmemory and libxenevtchn come down to these. */
TIMED(HYPERVISOR, ioctl)
TIMED(HYPERVISOR, xenforeignmemory_unmap)
TIMED(HYPERVISOR, xc_map_foreign_range)
TIMED(HYPERVISOR, xc_dom_boot_xen_init)
TIMED(HYPERVISOR, xc_dom_mem_init)
TIMED(HYPERVISOR, xc_dom_boot_mem_init)
TIMED(HYPERVISOR, xc_dom_boot_image)
TIMED(HYPERVISOR, xc_dom_gnttab_init)

TIMED(LOAD, xc_dom_kernel_file)
TIMED(LOAD, xc_dom_module_file)
TIMED(LOAD, xc_dom_parse_image)
TIMED(LOAD, xc_dom_build_image)

TIMED_IF(creating, DEVICES, poll)
TIMED_IF(creating, DEVICES, fork)
TIMED_IF(creating, DEVICES, waitpid)

TIMED(PARSE, libxl_read_file_contents)

/* xl reads the configuration between these two. */
FUNCTION(xlu_cfg_init)
{
    enter(PARSE);
    CALL(xlu_cfg_init);
    return result;
}

FUNCTION(xlu_cfg_destroy)
{
    CALL(xlu_cfg_destroy);
    enter(TOOLSTACK);
    return result;
}

FUNCTION(libxl_domain_create_new)
{
    creating = true;
    CALL(libxl_domain_create_new);
    creating = false;
    created = true;
    return result;
}

__attribute__((constructor)) static void begin(void)
{
    if (strcmp(program_invocation_short_name, "xl") == 0)
        unsetenv("LD_PRELOAD"); /* not for hotplug scripts */
    self = getpid();
    thread = gettid();
    since = now_ns();
}

/* xl's daemon is a fork of the command that we time, and says nothing. */
__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("BENCH_PHASES");
    char line[256];
    int fd, size = 0;

    if (!created || getpid() != self || !path)
        return;
    enter(TOOLSTACK);
    for (int i = 0; i < CATEGORIES; i++)
        size += snprintf(line + size, sizeof(line) - (size_t)size, "%.4f%c", (double)total[i] / 1e6,
                         i + 1 < CATEGORIES ? ',' : '\n');
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, line, (size_t)size) != size)
        perror(path);
    if (fd >= 0)
        close(fd);
}
