/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends requests to dockerd's socket over one connection, each after the answer to the one before.
 * It ends with 0 if all were answered with a status of 2xx: what a program costs that uses the
 * Engine API instead of Docker's command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX 65536

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path))
        return -1;
    strcpy(address.sun_path, path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    perror(path);
    return -1;
}

static int send_request(int fd, const char *method, const char *path, const char *body)
{
    char *text;
    int size = asprintf(&text,
                        "%s %s HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        method, path, strlen(body), body);
    int rc = size > 0 && write(fd, text, (size_t)size) == size ? 0 : -1;

    if (size > 0)
        free(text);
    return rc;
}

/* Whether the answer in text is whole: its head, and as much behind it as the head says. */
static int is_whole(const char *text, size_t size)
{
    const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");

    if (!body)
        return 0;
    if (!length || length > body) /* 204 has no body; dockerd gives all others a length here */
        return !strncmp(text + 8, " 204", 4) || strstr(body, "\r\n0\r\n\r\n");
    return size - (size_t)(body + 4 - text) >= strtoul(length + 17, NULL, 10);
}

static int read_answer(int fd)
{
    static char text[ANSWER_MAX];
    size_t size = 0;

    do {
        ssize_t got = read(fd, text + size, sizeof(text) - 1 - size);

        if (got <= 0) {
            fputs("docker-api: no whole answer\n", stderr);
            return -1;
        }
        size += (size_t)got;
        text[size] = 0;
    } while (!is_whole(text, size));
    if (!strncmp(text, "HTTP/1.1 2", 10))
        return 0;
    fprintf(stderr, "docker-api: %s\n", text);
    return -1;
}

int main(int argc, char **argv)
{
    int fd;

    if (argc < 5 || (argc - 2) % 3) {
        fputs("usage: docker-api SOCKET METHOD PATH BODY [METHOD PATH BODY]...\n", stderr);
        return 2;
    }
    fd = connect_to(argv[1]);
    if (fd < 0)
        return 1;
    for (int i = 2; i < argc; i += 3)
        if (send_request(fd, argv[i], argv[i + 1], argv[i + 2]) || read_answer(fd))
            return 1;
    return 0;
}
