/* SPDX-License-Identifier: BSD-3-Clause */
/* "Did you mean": the candidate with the smallest edit distance to a mistyped word. */
#ifndef CHAOS_UTIL_NEAREST_H
#define CHAOS_UTIL_NEAREST_H

struct nearest {
    const char *word;
    const char *best; /* NULL: nothing is near enough to be worth naming */
    unsigned int distance;
};

void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);

#endif
