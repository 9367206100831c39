/* SPDX-License-Identifier: BSD-3-Clause */
/* What several messages are made of. */
#ifndef CHAOS_WIRE_PARTS_H
#define CHAOS_WIRE_PARTS_H

#include <chaos/domain.h>

#include "wire.h"

/* The fields of a failure. */
void wire_put_error(struct wire_writer *writer, const struct chaos_error *err);
/* Fills err from such fields; returns err->code. */
int wire_get_error(const struct wire_reader *fields, struct chaos_error *err);

/* A domain as a group of fields. */
void wire_put_domain(struct wire_writer *writer, const struct chaos_domain *domain);
/* Reads the fields of such a group. */
void wire_get_domain(const struct wire_reader *fields, struct chaos_domain *out);

/* A group for each step: how long it took. */
void wire_put_timing(struct wire_writer *writer, const struct chaos_timing *timing);
/* Adds the step of such a group (WIRE_METRIC) to a timing that begins at 0. */
void wire_get_step(const struct wire_field *group, struct chaos_timing *timing);

#endif
