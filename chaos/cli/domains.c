// SPDX-License-Identifier: BSD-3-Clause
#include "domains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chaos/client.h>

#include "output.h"

#define AWAIT_S        60
#define AWAIT_FIRST_US 1000
#define AWAIT_MOST_US  20000

int domains_find(const char *which, struct chaos **chaos, struct chaos_domain *domain,
                 struct chaos_error *err)
{
    int rc;

    *chaos = NULL;
    rc = chaos_open(chaos, err);
    if (rc == 0)
        rc = chaos_domain_find(*chaos, which, domain, err);
    if (rc < 0) {
        chaos_close(*chaos);
        *chaos = NULL;
    }
    return rc;
}

int domains_each(const struct cmd_call *call, domain_action *action, domain_absence *absent,
                 struct chaos_error *err)
{
    struct chaos_error last = {0};
    struct chaos_domain domain;
    struct chaos *chaos;
    int i, rc;

    rc = chaos_open(&chaos, err);
    if (rc < 0)
        return rc;
    for (i = 0; i < call->nr_args; i++) {
        rc = chaos_domain_find(chaos, call->args[i], &domain, err);
        if (rc == 0)
            rc = action(chaos, &domain, call->options, err);
        if (rc < 0 && err->exit == CHAOS_EXIT_NOT_FOUND && absent)
            rc = absent(chaos, call->args[i]) == 0 ? 0 : rc;
        if (rc == 0)
            continue;
        if (last.code) /* only the last one is left to main */
            out_note_as(call->command->name, "%s", last.text);
        last = *err;
    }
    chaos_close(chaos);
    *err = last;
    return last.code;
}

int domains_recreate(struct chaos *chaos, const struct chaos_domain *domain,
                     struct chaos_error *err)
{
    struct chaos_config config;
    int rc = chaos_domain_config(chaos, domain, &config, err);

    if (rc < 0)
        return rc;
    rc = chaos_domain_destroy(chaos, domain, false, err);
    if (rc == 0)
        rc = chaos_domain_create(chaos, &config, NULL, NULL, err);
    chaos_config_free(&config);
    return rc;
}

bool domains_have_daemon(void)
{
    struct chaos_client *client;
    struct chaos_error ignored;

    if (chaos_client_open(NULL, &client, &ignored) < 0)
        return false;
    chaos_client_close(client);
    return true;
}

/* True: the name has no domain, or another one than this, as is wanted. */
static bool is_done(struct chaos *chaos, const struct chaos_domain *domain,
                    enum chaos_action action, struct chaos_error *err)
{
    char which[CHAOS_NAME_MAX + 6];
    struct chaos_domain now;
    int rc;

    snprintf(which, sizeof(which), "name:%s", domain->name);
    rc = chaos_domain_find(chaos, which, &now, err);
    if (rc < 0)
        return err->exit == CHAOS_EXIT_NOT_FOUND && action == CHAOS_ACTION_DESTROY;
    return now.domid != domain->domid;
}

int domains_await(struct chaos *chaos, const struct chaos_domain *domain, enum chaos_action action,
                  uint32_t timeout_s, struct chaos_error *err)
{
    uint64_t waited_us = 0, pause_us = AWAIT_FIRST_US;

    while (action != CHAOS_ACTION_PRESERVE && !is_done(chaos, domain, action, err)) {
        if (waited_us >= timeout_s * 1000000ull)
            return chaos_error_set(err, -ETIMEDOUT, CHAOS_EXIT_TIMEOUT,
                                   "chaosd has not %s \"%s\" within %u s: see chaos events",
                                   action == CHAOS_ACTION_RESTART ? "restarted" : "destroyed",
                                   domain->name, timeout_s);
        usleep((useconds_t)pause_us);
        waited_us += pause_us;
        pause_us = pause_us * 2 < AWAIT_MOST_US ? pause_us * 2 : AWAIT_MOST_US;
    }
    return 0;
}

/* Somebody else may have been at it as well: what is gone needs nothing more. */
static int unless_gone(int rc, const struct chaos_error *err)
{
    return rc < 0 && err->exit == CHAOS_EXIT_NOT_FOUND ? 0 : rc;
}

int domains_after_shutdown(struct chaos *chaos, const struct chaos_domain *domain,
                           struct chaos_error *err)
{
    struct chaos_config config;
    enum chaos_action action;
    int rc;

    if (domain->dying)
        return 0; /* somebody else's work */
    rc = chaos_domain_config(chaos, domain, &config, err);
    if (rc < 0)
        return unless_gone(rc, err);
    action = domain->reason == CHAOS_SHUTDOWN_POWEROFF ? config.on_poweroff
             : domain->reason == CHAOS_SHUTDOWN_REBOOT ? config.on_reboot
                                                       : config.on_crash;
    chaos_config_free(&config);
    if (action == CHAOS_ACTION_PRESERVE)
        return 0;
    if (domains_have_daemon())
        return domains_await(chaos, domain, action, AWAIT_S, err);
    if (action == CHAOS_ACTION_RESTART)
        return unless_gone(domains_recreate(chaos, domain, err), err);
    return unless_gone(chaos_domain_destroy(chaos, domain, false, err), err);
}

static void watch(struct chaos_domain *domain)
{
    struct chaos_error err;
    struct chaos *chaos;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null >= 0) { /* do not keep a terminal or a pipe open */
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
    }
    if (chdir("/") == 0 && chaos_open(&chaos, &err) == 0 &&
        chaos_domain_wait(chaos, domain, UINT32_MAX, &err) == 0)
        domains_after_shutdown(chaos, domain, &err);
}

int domains_watch(const struct chaos_domain *domain, struct chaos_error *err)
{
    struct chaos_domain copy = *domain;
    pid_t child = fork();
    int status;

    if (child < 0)
        return chaos_error_set(err, -errno, CHAOS_EXIT_RESOURCE, "cannot fork: %s",
                               strerror(errno));
    if (child == 0) {
        /* The grandchild belongs to init: nobody here waits for it. */
        child = fork();
        if (child == 0)
            watch(&copy);
        _exit(child < 0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return chaos_error_set(err, -EAGAIN, CHAOS_EXIT_RESOURCE,
                               "cannot start a process that waits for domain %u", domain->domid);
    return 0;
}
