/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands about domains share. */
#ifndef CHAOS_CLI_DOMAINS_H
#define CHAOS_CLI_DOMAINS_H

#include <chaos/domain.h>

#include "cmd.h"

/* Does something to one domain that was found. */
typedef int domain_action(struct chaos *chaos, struct chaos_domain *domain, const void *options,
                          struct chaos_error *err);

/* An argument that is no domain: 0 if that could be dealt with all the same. */
typedef int domain_absence(struct chaos *chaos, const char *which);

/*
 * Does it to the domain of each argument; a failure is reported and does not keep the others from
 * their turn. absent may be NULL.
 */
int domains_each(const struct cmd_call *call, domain_action *action, domain_absence *absent,
                 struct chaos_error *err);

/* chaos_open and chaos_domain_find; on failure *chaos is NULL. */
int domains_find(const char *which, struct chaos **chaos, struct chaos_domain *domain,
                 struct chaos_error *err);

/* chaosd answers: then what becomes of guests that end is its business. */
bool domains_have_daemon(void);

/*
 * What a shut down domain's configuration wants done with it: destroys it, creates it anew, or
 * leaves it; or waits until chaosd has.
 */
int domains_after_shutdown(struct chaos *chaos, const struct chaos_domain *domain,
                           struct chaos_error *err);

/* Waits until chaosd has done this to a domain that has shut down. */
int domains_await(struct chaos *chaos, const struct chaos_domain *domain, enum chaos_action action,
                  uint32_t timeout_s, struct chaos_error *err);

/* The same in a process of its own, once the domain has shut down; returns at once. */
int domains_watch(const struct chaos_domain *domain, struct chaos_error *err);

/* Destroys a domain and creates it from its configuration: same name, uuid and MAC addresses. */
int domains_recreate(struct chaos *chaos, const struct chaos_domain *domain,
                     struct chaos_error *err);

#endif
