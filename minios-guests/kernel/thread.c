/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cooperative threads. A thread runs until it sleeps, waits or yields; only then events are
 * dispatched, so that nothing else needs a lock. Without a runnable thread the vcpu blocks.
 */
#include "kernel/kernel.h"

#define STACK_PAGES 2
#define CANARY      0x6b63617473646e65ull

struct thread {
    uint64_t sp;
    struct thread *next;       /* in the run queue or in a wait queue */
    struct thread *next_timed; /* in the list of those with a deadline */
    struct wait_queue *queue;
    uint64_t deadline;
    bool timed_out;
    uint64_t *stack; /* lowest address */
    const char *name;
    void (*fn)(void *);
    void *arg;
};

static struct thread first = {.name = "main", .deadline = NEVER};
static struct thread *current = &first;
static struct thread *run_head, **run_tail = &run_head;
static struct thread *timed;
static struct thread *dead;

void thread_init(void)
{
    first.stack = (uint64_t *)boot_stack;
    first.stack[0] = CANARY;
}

static void make_runnable(struct thread *t)
{
    t->next = NULL;
    *run_tail = t;
    run_tail = &t->next;
}

static struct thread *take_runnable(void)
{
    struct thread *t = run_head;

    if (t) {
        run_head = t->next;
        if (!run_head)
            run_tail = &run_head;
        t->next = NULL;
    }
    return t;
}

static void unlink_timed(struct thread *t)
{
    if (t->deadline == NEVER)
        return;
    for (struct thread **p = &timed; *p; p = &(*p)->next_timed)
        if (*p == t) {
            *p = t->next_timed;
            break;
        }
    t->deadline = NEVER;
}

static void unlink_waiting(struct thread *t)
{
    if (!t->queue)
        return;
    for (struct thread **p = &t->queue->head; *p; p = &(*p)->next)
        if (*p == t) {
            *p = t->next;
            break;
        }
    t->queue = NULL;
}

/* Wakes those whose time has come; returns the earliest deadline of the others. */
static uint64_t wake_timed(void)
{
    uint64_t earliest = NEVER;
    uint64_t now;

    if (!timed)
        return NEVER;
    now = time_ns();
    for (struct thread *t = timed, *after; t; t = after) {
        after = t->next_timed;
        if (t->deadline > now) {
            earliest = t->deadline < earliest ? t->deadline : earliest;
            continue;
        }
        unlink_timed(t);
        unlink_waiting(t);
        t->timed_out = true;
        make_runnable(t);
    }
    return earliest;
}

static void reap(void)
{
    if (!dead)
        return;
    pages_free(dead->stack, STACK_PAGES);
    kfree(dead);
    dead = NULL;
}

static void schedule(void)
{
    struct thread *prev = current, *next;

    if (prev->stack[0] != CANARY)
        guest_crash("stack of thread %s overflowed", prev->name);
    for (;;) {
        evtchn_dispatch();
        suspend_if_requested();
        uint64_t earliest = wake_timed();

        next = take_runnable();
        if (next)
            break;
        if (earliest != NEVER)
            time_wake_at(earliest);
        evtchn_block();
    }
    if (next == prev)
        return;
    current = next;
    switch_stacks(&prev->sp, next->sp);
    reap();
}

static _Noreturn void thread_entry(void)
{
    reap();
    current->fn(current->arg);
    dead = current;
    schedule();
    __builtin_unreachable();
}

struct thread *thread_create(const char *name, void (*fn)(void *), void *arg)
{
    struct thread *t = kzalloc(sizeof(*t));
    uint64_t *sp;

    if (!t)
        return NULL;
    t->stack = pages_alloc(STACK_PAGES);
    if (!t->stack) {
        kfree(t);
        return NULL;
    }
    t->stack[0] = CANARY;
    t->name = name;
    t->fn = fn;
    t->arg = arg;
    t->deadline = NEVER;
    /* What switch_stacks pops: six registers and a return address, which leaves the stack as a
     * call would. */
    sp = t->stack + STACK_PAGES * PAGE_SIZE / 8;
    *--sp = 0;
    *--sp = (uint64_t)(uintptr_t)thread_entry;
    sp -= 6;
    memset(sp, 0, 6 * sizeof(*sp));
    t->sp = (uint64_t)(uintptr_t)sp;
    make_runnable(t);
    return t;
}

void thread_yield(void)
{
    make_runnable(current);
    schedule();
}

static void set_deadline(uint64_t deadline_ns)
{
    current->timed_out = false;
    current->deadline = deadline_ns;
    if (deadline_ns != NEVER) {
        current->next_timed = timed;
        timed = current;
    }
}

void thread_sleep_until(uint64_t deadline_ns)
{
    set_deadline(deadline_ns);
    schedule();
}

bool wait_on(struct wait_queue *q, uint64_t deadline_ns)
{
    set_deadline(deadline_ns);
    current->queue = q;
    current->next = q->head;
    q->head = current;
    schedule();
    return !current->timed_out;
}

void wake_all(struct wait_queue *q)
{
    for (struct thread *t = q->head, *after; t; t = after) {
        after = t->next;
        t->queue = NULL;
        unlink_timed(t);
        make_runnable(t);
    }
    q->head = NULL;
}
