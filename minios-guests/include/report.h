/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of a test guest. The worst counts; a guest that reports nothing is in error. */
#ifndef REPORT_H
#define REPORT_H

enum result {
    RESULT_SUCCESS,
    RESULT_SKIP,    /* what would be tested is not there */
    RESULT_ERROR,   /* the test itself went wrong */
    RESULT_FAILURE, /* what is tested is wrong */
};

/* Tells on the console what went wrong. */
void report(enum result result, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last line: "Test result: SUCCESS" or another. */
void report_end(void);

#define CHECK(cond)                                                                                \
    ((cond) ? (void)0 : report(RESULT_FAILURE, "%s:%d: %s", __FILE__, __LINE__, #cond))

#endif
