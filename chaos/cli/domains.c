// SPDX-License-Identifier: BSD-3-Clause
#include "domains.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"

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

int domains_each(const struct cmd_call *call, domain_action *action, struct chaos_error *err)
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
        return rc;
    action = domain->reason == CHAOS_SHUTDOWN_POWEROFF ? config.on_poweroff
             : domain->reason == CHAOS_SHUTDOWN_REBOOT ? config.on_reboot
                                                       : config.on_crash;
    chaos_config_free(&config);
    if (action == CHAOS_ACTION_PRESERVE)
        return 0;
    if (action == CHAOS_ACTION_RESTART)
        return domains_recreate(chaos, domain, err);
    return chaos_domain_destroy(chaos, domain, false, err);
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
