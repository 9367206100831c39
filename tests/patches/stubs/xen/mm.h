/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STUB_XEN_MM_H
#define STUB_XEN_MM_H

typedef unsigned long mfn_t;
#define INVALID_MFN (~0ul)

#endif
