/* SPDX-License-Identifier: BSD-3-Clause */
/* Short ways to /dev/noxs, and to domains without memory to try it on. */
#ifndef TESTS_KMOD_DEVNOXS_H
#define TESTS_KMOD_DEVNOXS_H

#include <stdint.h>

#include "noxs_ioctl.h"

/* Ends the program when /dev/noxs or Xen cannot be reached. */
void devnoxs_open(void);
int devnoxs_fd(void);

uint16_t domain_create(void);
void domain_destroy(uint16_t domid);

struct noxs_dev_config sysctl_config(void);
struct noxs_dev_config vif_config(uint16_t id);

/* All return 0 or a positive errno. */
int devnoxs_create(uint16_t domid, struct noxs_dev_config *devs, uint16_t nr, uint32_t *failed);
int devnoxs_destroy(uint16_t domid, uint16_t type, uint16_t id, uint32_t *removed);
int devnoxs_list(uint16_t domid, struct noxs_dev_info *infos, uint32_t *nr);
int devnoxs_wait(uint16_t domid, uint16_t id, uint32_t timeout_ms, struct noxs_dev_info *info);
int devnoxs_hotplug(uint16_t domid, uint16_t id, uint32_t error);
int devnoxs_shutdown(uint16_t domid, uint32_t request, uint32_t *sequence);
int devnoxs_ioctl(unsigned long cmd, void *arg);

#endif
