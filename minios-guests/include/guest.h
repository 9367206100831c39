/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents page of the guest kernel: what an app or a driver may use, a group for each file. */
#ifndef GUEST_H
#define GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/lib.h"

#define PAGE_SIZE                       4096ul
#define PAGE_SHIFT                      12

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))

/* One vcpu: the other side of a shared page is another processor all the same. */
#define barrier()                       __asm__ volatile("" ::: "memory")
#define mb()                            __asm__ volatile("mfence" ::: "memory")
#define rmb()                           barrier()
#define wmb()                           barrier()

#define READ_ONCE(x)                    (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)                (*(volatile __typeof__(x) *)&(x) = (v))

/* start.c: the app's only duty. Runs as the first thread; to return is to power off. */
int app_main(void);

/* cmdline.c: "key=value" words of the command line. */
bool cmdline_get(const char *key, char *value, size_t size);
bool cmdline_has(const char *word);

/* console.c: the PV console ring. Never blocks: what does not fit is dropped and counted. */
void console_write(const char *s, size_t len);
uint64_t console_dropped(void);
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* shutdown.c */
_Noreturn void guest_poweroff(void);
_Noreturn void guest_reboot(void);
_Noreturn void guest_crash(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* suspend.c: how often this guest was restored, and who is told then: the time went on from where
 * it was, addresses may be others, and there may be several guests of the same past. */
uint32_t guest_generation(void);
void app_resumed(void);

/* mm.c: pages and small objects. Pages have unspecified contents unless zalloc. */
void *page_alloc(void);
void *page_zalloc(void);
void *pages_alloc(size_t nr); /* contiguous addresses */
void page_free(void *page);
void pages_free(void *first, size_t nr);
size_t pages_left(void);
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *p);

/* pt.c: what an address is backed by. */
uint64_t virt_to_mfn(const void *va);
int map_frame(void *page, uint64_t mfn, bool writable); /* 0 or a negative Xen errno */
int map_nothing(void *page);
int map_own(void *page); /* undo: its own memory again */

/* evtchn.c: handlers run when a thread sleeps or yields, never in the middle of one; they must not
 * sleep. All return a local port or a negative Xen errno. */
typedef void evtchn_handler(void *arg);
int evtchn_bind_virq(unsigned virq, evtchn_handler *handler, void *arg);
int evtchn_bind_interdomain(uint16_t domid, uint32_t remote_port, evtchn_handler *handler,
                            void *arg);
int evtchn_alloc_unbound(uint16_t domid, evtchn_handler *handler, void *arg);
int evtchn_adopt(uint32_t port, evtchn_handler *handler, void *arg); /* the builder bound it */
void evtchn_close(int port);
int evtchn_notify(int port);

/* grant.c: version 1 grants of one frame. */
int grant_access(uint16_t domid, const void *page, bool readonly); /* a reference or an errno */
int grant_access_mfn(uint16_t domid, uint64_t mfn, bool readonly);
int grant_end(int ref); /* -EBUSY: the other end still has it mapped */
int grant_map(uint16_t domid, uint32_t ref, void **page, uint32_t *handle);
void grant_unmap(void *page, uint32_t handle);

/* time.c: nanoseconds of Xen system time; seconds since 1970. */
uint64_t time_ns(void);
uint64_t time_wall(void);

/* thread.c: cooperative threads and wait queues. */
struct thread;
struct wait_queue {
    struct thread *head;
};
#define NEVER UINT64_MAX
struct thread *thread_create(const char *name, void (*fn)(void *), void *arg);
void thread_yield(void);
void thread_sleep_until(uint64_t deadline_ns);
bool wait_on(struct wait_queue *q, uint64_t deadline_ns); /* false: the deadline passed */
void wake_all(struct wait_queue *q);

#endif
