/* SPDX-License-Identifier: BSD-3-Clause */
/* Xen's barriers on x86 order the compiler only; here they must hold wherever the test runs. */
#define smp_wmb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
