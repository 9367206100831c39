/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the kernel's own files: Xen's headers, hypercalls, start-up order. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "guest.h"

#define xen_mb()  mb()
#define xen_rmb() rmb()
#define xen_wmb() wmb()
#include <xen/xen.h>
#include <xen/errno.h>

#include "kernel/hypercall.h"

/* kernel.lds */
extern char _image_start[], _image_end[];

/* boot.S */
extern char boot_stack[]; /* of the first thread; lowest address */

/* start.c */
extern const struct start_info *start_info;
extern struct shared_info shared_info; /* Xen's page, mapped over an address of the image */

/* traps.S, trap.c */
struct trap_regs {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
void trap_init(void);
void trap_handler(struct trap_regs *regs);
void upcall_entry(void);
void failsafe_entry(void);
void switch_stacks(uint64_t *save_sp, uint64_t sp);
extern const uint64_t trap_entries[];

/* The rest, in order of start-up. */
void mm_init(uint64_t boot_sp);
void evtchn_init(void);
void time_init(void);
void thread_init(void);
void console_init(void);
void noxs_init(void);
void xenbus_init(void); /* nothing, unless the app is linked with xenstore/ */

/* shutdown.c */
void shutdown_request(uint32_t request); /* enum noxs_sysctl_request; the app agreed */

/* pt.c */
uint64_t *pt_entry(uintptr_t va);                              /* level 1 entry or null */
int pt_add_region(uintptr_t va, uint64_t *pages, unsigned nr); /* pages used, or an errno */
void *mfn_to_virt(uint64_t mfn);

/* evtchn.c */
bool evtchn_dispatch(void); /* true: a handler ran */
void evtchn_block(void);    /* until something is pending */

/* time.c */
void time_wake_at(uint64_t deadline_ns);

#endif
