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
#include "kernel/unused.h"

/* kernel.lds */
extern char _image_start[], _image_end[];

/* boot.S */
extern char boot_stack[]; /* of the first thread; lowest address */

/* start.c */
extern const struct start_info *start_info;
extern struct shared_info shared_info;   /* Xen's page, mapped over an address of the image */
extern struct noxs_unused shared_unused; /* at the end of it */

/* suspend.c */
void shared_info_map(void);
void suspend_publish(void);      /* tells where the p2m list is */
void suspend_request(void);      /* ... to suspend as soon as no event is being handled */
void suspend_if_requested(void); /* in a thread */
bool guest_suspend(void);        /* in a thread; true: restored, in a domain of its own */
void suspend_done(void);         /* after true, when the devices are on their way again */
/* Pages whose contents nobody misses in a restored guest: mm_tell_unused. */
void net_tell_unused(struct noxs_unused *out);

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

/* mm.c, while nothing else runs: to a list that is empty at first */
void mm_tell_free(struct noxs_unused *out);
void mm_tell_unused(struct noxs_unused *out, const void *first_page, size_t nr_pages);

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
uint64_t pfn_to_mfn(uint64_t pfn);
uint64_t mfn_to_pfn(uint64_t mfn); /* all ones: none of ours */

/* evtchn.c */
bool evtchn_dispatch(void); /* true: a handler ran */
void evtchn_block(void);    /* until something is pending */
void evtchn_resume(void);   /* in a new domain: no port is bound */

/* time.c */
void time_wake_at(uint64_t deadline_ns);
void time_resume(uint64_t before_ns); /* in a new domain: goes on from there */

/* grant.c: between these no foreign frame is mapped. */
void grant_suspend(void);
void grant_resume(void);
int grant_map_at(uint16_t domid, uint32_t ref, void *page, uint32_t *handle);
int grant_unmap_at(void *page, uint32_t handle); /* 0: the page is its own memory again */

/* noxs.c */
void noxs_suspend(void);
void noxs_resume(bool restored);

#endif
