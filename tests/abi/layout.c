// SPDX-License-Identifier: BSD-3-Clause
/* Every size, offset and number of the two ABI headers, as built into guests that we never see
 * again. Only compiled: the build of this file is the test, in C99 and C11, 32 and 64 bits. */
#include <stddef.h>
#include <stdint.h>

#include "noxs_abi.h"
#include "noxs_ioctl.h"

#define CHECK_NAME2(line)       check_on_line_##line
#define CHECK_NAME(line)        CHECK_NAME2(line)
#define CHECK(cond)             typedef char CHECK_NAME(__LINE__)[(cond) ? 1 : -1]

#define SIZE(name, bytes)       CHECK(sizeof(struct name) == (bytes))
#define AT(name, field, bytes)  CHECK(offsetof(struct name, field) == (bytes))
#define VALUE(constant, number) CHECK((constant) == (number))

VALUE(NOXS_ABI_VERSION, 1);
VALUE(NOXS_HYPERCALL, 44);
VALUE(NOXS_VIRQ, 15);
VALUE(NOXS_MAPSPACE, 6);
VALUE(NOXS_DOMID_SELF, 0x7ff0);

/* device page */
VALUE(NOXS_PAGE_SIZE, 4096);
VALUE(NOXS_PAGE_MAGIC, 0x53584f4e);
VALUE(NOXS_PAGE_DEVS, 252);
VALUE(NOXS_DEV_NONE, 0);
VALUE(NOXS_DEV_SYSCTL, 1);
VALUE(NOXS_DEV_VIF, 2);
VALUE(NOXS_DEV_VBD, 3);
VALUE(NOXS_DEV_TYPES, 4);
SIZE(noxs_dev, 16);
AT(noxs_dev, type, 0);
AT(noxs_dev, id, 2);
AT(noxs_dev, back_end, 4);
AT(noxs_dev, flags, 6);
AT(noxs_dev, grant, 8);
AT(noxs_dev, evtchn, 12);
SIZE(noxs_page, 4096);
AT(noxs_page, magic, 0);
AT(noxs_page, abi_version, 4);
AT(noxs_page, domid, 6);
AT(noxs_page, generation, 8);
AT(noxs_page, slots, 12);
AT(noxs_page, reserved, 16);
AT(noxs_page, dev, 64);

/* hypercall */
VALUE(NOXS_OP_QUERY, 0);
VALUE(NOXS_OP_ADD, 1);
VALUE(NOXS_OP_REMOVE, 2);
VALUE(NOXS_OP_LIST, 3);
VALUE(NOXS_OP_READY, 4);
VALUE(NOXS_OP_BATCH, 16);
SIZE(noxs_op_query, 48);
AT(noxs_op_query, domid, 0);
AT(noxs_op_query, abi_version, 2);
AT(noxs_op_query, max_devs, 4);
AT(noxs_op_query, max_batch, 6);
AT(noxs_op_query, generation, 8);
AT(noxs_op_query, slots, 12);
AT(noxs_op_query, frame, 16);
AT(noxs_op_query, created_ns, 24);
AT(noxs_op_query, ready_ns, 32);
AT(noxs_op_query, now_ns, 40);
SIZE(noxs_op_devs, 264);
AT(noxs_op_devs, domid, 0);
AT(noxs_op_devs, nr, 2);
AT(noxs_op_devs, start, 4);
AT(noxs_op_devs, dev, 8);

/* control page */
VALUE(NOXS_STATE_UNKNOWN, 0);
VALUE(NOXS_STATE_INITIALISING, 1);
VALUE(NOXS_STATE_INITWAIT, 2);
VALUE(NOXS_STATE_INITIALISED, 3);
VALUE(NOXS_STATE_CONNECTED, 4);
VALUE(NOXS_STATE_CLOSING, 5);
VALUE(NOXS_STATE_CLOSED, 6);
VALUE(NOXS_CTRL_MAGIC, 0x4c525443);
SIZE(noxs_ctrl, 4096);
AT(noxs_ctrl, back, 0);
AT(noxs_ctrl, front, 64);
AT(noxs_ctrl, sysctl_back, 128);
AT(noxs_ctrl, vif_back, 128);
AT(noxs_ctrl, sysctl_front, 256);
AT(noxs_ctrl, vif_front, 256);
AT(noxs_ctrl, reserved, 384);
AT(noxs_ctrl_back, magic, 0);
AT(noxs_ctrl_back, abi_version, 4);
AT(noxs_ctrl_back, type, 6);
AT(noxs_ctrl_back, id, 8);
AT(noxs_ctrl_back, back_end, 10);
AT(noxs_ctrl_back, state, 12);
AT(noxs_ctrl_back, error, 16);
AT(noxs_ctrl_front, state, 0);
AT(noxs_ctrl_front, error, 4);

/* sysctl */
VALUE(NOXS_SYSCTL_NONE, 0);
VALUE(NOXS_SYSCTL_POWEROFF, 1);
VALUE(NOXS_SYSCTL_REBOOT, 2);
VALUE(NOXS_SYSCTL_SUSPEND, 3);
AT(noxs_sysctl_back, request, 0);
AT(noxs_sysctl_back, sequence, 4);
AT(noxs_sysctl_front, features, 0);
AT(noxs_sysctl_front, acknowledged, 4);

/* vif */
VALUE(NOXS_VIF_F_SG, 1);
VALUE(NOXS_VIF_F_CSUM_IPV4, 2);
VALUE(NOXS_VIF_F_CSUM_IPV6, 4);
VALUE(NOXS_VIF_F_GSO_TCPV4, 8);
VALUE(NOXS_VIF_F_GSO_TCPV6, 16);
AT(noxs_vif_back, features, 0);
AT(noxs_vif_back, mac, 4);
AT(noxs_vif_back, mtu, 10);
AT(noxs_vif_back, ipv4, 12);
AT(noxs_vif_back, ipv4_prefix, 16);
AT(noxs_vif_front, features, 0);
AT(noxs_vif_front, tx_ring_ref, 4);
AT(noxs_vif_front, rx_ring_ref, 8);
AT(noxs_vif_front, ipv4, 12);
AT(noxs_vif_front, arp_peers, 16);
AT(noxs_vif_front, arp_peers_low, 48);
AT(noxs_vif_front, arp_generation, 112);

/* /dev/noxs: the number of an ioctl holds the size of its argument. */
VALUE(NOXS_IOC_VERSION, 0x80084e00);
VALUE(NOXS_IOC_CREATE, 0xc0184e01);
VALUE(NOXS_IOC_DESTROY, 0xc0104e02);
VALUE(NOXS_IOC_LIST, 0xc0184e03);
VALUE(NOXS_IOC_WAIT, 0xc0b84e04);
VALUE(NOXS_IOC_HOTPLUG, 0x40104e05);
VALUE(NOXS_IOC_SHUTDOWN, 0xc0104e06);
AT(noxs_ioc_create, devs, 8);
AT(noxs_ioc_create, failed, 16);
AT(noxs_ioc_destroy, key, 8);
AT(noxs_ioc_list, nr, 8);
AT(noxs_ioc_list, infos, 16);
AT(noxs_ioc_wait, key, 8);
AT(noxs_ioc_wait, info, 16);
AT(noxs_ioc_hotplug, key, 8);
AT(noxs_ioc_shutdown, request, 8);
AT(noxs_ioc_shutdown, sequence, 12);
SIZE(noxs_key, 8);
SIZE(noxs_vif_config, 48);
SIZE(noxs_dev_config, 128);
AT(noxs_dev_config, vif, 8);
SIZE(noxs_dev_info, 168);
AT(noxs_dev_info, back_state, 8);
AT(noxs_dev_info, hotplug, 20);
AT(noxs_dev_info, ifindex, 32);
AT(noxs_dev_info, config, 40);

int main(void)
{
    return 0;
}
