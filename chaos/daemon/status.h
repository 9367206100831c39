/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAOSD_STATUS_H
#define CHAOSD_STATUS_H

#include "daemon.h"

extern const struct module status_module;

#endif
