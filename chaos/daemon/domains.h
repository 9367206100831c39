/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests about domains that there are. */
#ifndef CHAOSD_DOMAINS_H
#define CHAOSD_DOMAINS_H

#include "daemon.h"

extern const struct module domains_module;

#endif
