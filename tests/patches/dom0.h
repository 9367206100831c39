/* SPDX-License-Identifier: BSD-3-Clause */
/* What the programs share that test the hypercall from dom0: checks, calls, empty domains. */
#ifndef DOM0_H
#define DOM0_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "noxs_abi.h"

extern xencall_handle *calls;
extern xc_interface *ctrl;
extern xenforeignmemory_handle *foreign;

void open_xen(void);
int result(void); /* prints it; the exit status */

void check(bool good, const char *what, const char *file, int line);
void check_rc(int rc, int err, const char *what, const char *file, int line);
#define CHECK(cond)         check((cond), #cond, __FILE__, __LINE__)
#define CHECK_RC(call, err) check_rc((call), (err), #call, __FILE__, __LINE__)
/* Ends the test. */
void need(bool good, const char *what);

/* The address goes to Xen as it is; arg is copied to a buffer and back. 0 or a negative errno. */
int raw_op(unsigned int op, uint64_t address);
int noxs_op(unsigned int op, void *arg, size_t size);
int query(uint32_t domid, struct noxs_op_query *out);

/* pool: of processors; with one that is not there, creation fails after the page was made. */
int try_domain(bool translated, uint32_t pool, uint32_t *domid);
uint32_t make_domain(bool translated);
/* It was shut down. */
void resume_domain(uint32_t domid);
#define PATIENT 200 /* times 10 ms, for what Xen does in the background */
bool is_gone(uint32_t domid);
/* Until it is gone. */
void destroy_domain(uint32_t domid);

#endif
