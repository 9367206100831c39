/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one way in which libchaos reports failure.
 *
 * A function that can fail takes a struct chaos_error last (never NULL) and returns 0 or a negative
 * errno. On success the error is not modified; on failure it holds one line: what failed, on which
 * object, why, what to do. It is filled once, where the failure happens, and may be wrapped on the
 * way up. It owns no memory; it may live on the stack and be copied. Not shared between threads.
 */
#ifndef CHAOS_ERROR_H
#define CHAOS_ERROR_H

#define CHAOS_ERROR_TEXT 512

/* Exit codes of the command, and what the failure is about. */
enum chaos_exit {
    CHAOS_EXIT_OK = 0,
    CHAOS_EXIT_FAILURE = 1,   /* anything else */
    CHAOS_EXIT_USAGE = 2,     /* wrong command line */
    CHAOS_EXIT_NOT_FOUND = 3, /* no such domain, device, ... */
    CHAOS_EXIT_EXISTS = 4,    /* name, uuid, ... is taken */
    CHAOS_EXIT_RESOURCE = 5,  /* out of memory, domain ids, ports, ... */
    CHAOS_EXIT_PRIVILEGE = 6, /* not allowed, or not on a Xen host */
    CHAOS_EXIT_TIMEOUT = 7,   /* the guest or a helper did not answer in time */
    CHAOS_EXIT_CONFIG = 8,    /* bad configuration or image */
    CHAOS_EXIT_DAEMON = 9     /* chaosd does not answer */
};

struct chaos_error {
    int code;             /* negative errno */
    enum chaos_exit exit; /* class, becomes the command's exit status */
    char text[CHAOS_ERROR_TEXT];
};

/* Fills err and returns code (a negative errno). Truncates; never fails. */
int chaos_error_set(struct chaos_error *err, int code, enum chaos_exit exit, const char *format,
                    ...) __attribute__((cold, format(printf, 4, 5)));

/* Puts "prefix: " before err's text and returns err->code. */
int chaos_error_wrap(struct chaos_error *err, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));

#endif
