/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions: a known faulting instruction goes on at its fixup, any other ends the guest. */
#include "kernel/kernel.h"
#include "kernel/fixup.h"

#define TRAP_PAGE_FAULT 14

extern const struct fixup __start_fixups[], __stop_fixups[];

static const char *const names[] = {
    "divide error",
    "debug",
    "nmi",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no device",
    "double fault",
    "coprocessor",
    "invalid tss",
    "segment missing",
    "stack segment",
    "general protect",
    "page fault",
    "reserved",
    "floating point",
    "alignment check",
    "machine check",
    "simd",
};

void trap_init(void)
{
    struct trap_info table[ARRAY_SIZE(names) + 1];
    unsigned n = 0;

    for (; trap_entries[n]; n++)
        table[n] = (struct trap_info){
            .vector = (uint8_t)n,
            .cs = FLAT_KERNEL_CS,
            .address = trap_entries[n],
        };
    table[n].address = 0;
    hypercall1(__HYPERVISOR_set_trap_table, HYPERCALL_ARG(table));
    hypercall4(__HYPERVISOR_set_callbacks, HYPERCALL_ARG(upcall_entry),
               HYPERCALL_ARG(failsafe_entry), 0, 0);
}

static bool go_to_fixup(struct trap_regs *regs)
{
    for (const struct fixup *f = __start_fixups; f < __stop_fixups; f++)
        if (f->at == regs->rip) {
            regs->rip = f->go_to;
            return true;
        }
    return false;
}

void trap_handler(struct trap_regs *r)
{
    const char *name = r->vector < ARRAY_SIZE(names) ? names[r->vector] : "failsafe";

    if (go_to_fixup(r))
        return;
    kprintf("rip %016lx rsp %016lx rflags %08lx error %lx\n", r->rip, r->rsp, r->rflags, r->error);
    kprintf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    kprintf("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    kprintf("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    kprintf("r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
    if (r->vector == TRAP_PAGE_FAULT)
        guest_crash("%s at %lx", name, READ_ONCE(shared_info.vcpu_info[0].arch.cr2));
    guest_crash("%s", name);
}
