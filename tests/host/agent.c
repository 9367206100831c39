/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PID 1 of the emulated dom0: one worker per virtio-serial port runs commands for the host side.
 * The frames are described in tests/host/README.md.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_PORTS = 16,
    MAX_FRAME = 1 << 20,
    CHUNK = 32 * 1024 - 8, /* with its header, what the virtio console driver sends in one go */
    WINDOW = 256 * 1024,   /* bytes that either side may have on the way unacknowledged */
    EXIT_NOT_RUN = 127,
};

struct header {
    uint8_t type;
    uint8_t stream;
    uint16_t zero;
    uint32_t length; /* little-endian, as everything here */
};

struct run_request {
    uint16_t pty, rows, cols, argc, envc;
};

struct session {
    pid_t pid; /* also the process group; 0: none */
    int pidfd;
    int in;
    int out[2]; /* stdout and stderr, or the pty's master and -1 */
    bool exited;
    bool aborted;
    bool eof;    /* of our stdin, to be passed on when `pending` is written */
    bool is_pty; /* in is a duplicate of out[0] */
    int status;
    uint32_t credit[2];
    uint8_t *pending;
    size_t pending_len;
};

static int port = -1;
static uint8_t frame[MAX_FRAME + 1];
static uint8_t stdin_buffer[WINDOW];

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- frames ---- */

static void port_io(void *data, size_t length, bool output)
{
    uint8_t *at = data;

    while (length > 0) {
        ssize_t n = output ? write(port, at, length) : read(port, at, length);
        if (n > 0) {
            at += n;
            length -= (size_t)n;
        } else if (n == 0) {
            /* The other side is not connected: between a restore and its first command. */
            usleep(10000);
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = port, .events = output ? POLLOUT : POLLIN};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            perror("agent: port");
            exit(1);
        }
    }
}

static void send_frame(char type, unsigned stream, const void *data, size_t length)
{
    static uint8_t buffer[sizeof(struct header) + CHUNK];
    struct header header = {
        .type = (uint8_t)type, .stream = (uint8_t)stream, .length = (uint32_t)length};

    memcpy(buffer, &header, sizeof(header));
    if (length > 0)
        memcpy(buffer + sizeof(header), data, length);
    port_io(buffer, sizeof(header) + length, true);
}

static void send_failure(const char *what, const char *object, int error)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s %s: %s", what, object, strerror(error));

    send_frame('F', 0, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static uint32_t payload_u32(void)
{
    uint32_t value;

    memcpy(&value, frame, sizeof(value));
    return value;
}

/* ---- starting a command ---- */

struct stdio {
    int in[2], out[2], err[2];
    int master, slave;
};

static bool open_stdio(struct stdio *io, const struct run_request *request)
{
    struct winsize size = {.ws_row = request->rows, .ws_col = request->cols};

    *io = (struct stdio){{-1, -1}, {-1, -1}, {-1, -1}, -1, -1};
    if (request->pty)
        return openpty(&io->master, &io->slave, NULL, NULL, &size) == 0;
    return pipe2(io->in, O_CLOEXEC) == 0 && pipe2(io->out, O_CLOEXEC) == 0 &&
           pipe2(io->err, O_CLOEXEC) == 0;
}

static void close_stdio(struct stdio *io)
{
    int *all[] = {&io->in[0],  &io->in[1],  &io->out[0], &io->out[1],
                  &io->err[0], &io->err[1], &io->master, &io->slave};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        close_fd(all[i]);
}

static void run_child(struct stdio *io, const char *cwd, char **argv, char **envp, int report)
{
    sigset_t none;
    int error;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    if (io->slave >= 0) {
        ioctl(io->slave, TIOCSCTTY, 0);
        dup2(io->slave, 0);
        dup2(io->slave, 1);
        dup2(io->slave, 2);
    } else {
        dup2(io->in[0], 0);
        dup2(io->out[1], 1);
        dup2(io->err[1], 2);
    }
    close_range(3, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, ~0u, 0);
    if (chdir(cwd) == 0) {
        environ = envp;
        execvp(argv[0], argv);
    }
    error = errno;
    if (write(report, &error, sizeof(error)) < 0)
        _exit(EXIT_NOT_RUN + 1);
    _exit(EXIT_NOT_RUN);
}

/* Splits `count` strings off the request into a NULL-terminated vector; NULL if it is malformed. */
static char **take_strings(char **at, char *end, unsigned count)
{
    char **vector = calloc(count + 1, sizeof(*vector));

    for (unsigned i = 0; vector && i < count; i++) {
        char *nul = memchr(*at, 0, (size_t)(end - *at));
        if (!nul) {
            free(vector);
            return NULL;
        }
        vector[i] = *at;
        *at = nul + 1;
    }
    return vector;
}

static bool spawn(struct session *session, const struct run_request *request, char **cwd,
                  char **argv, char **envp)
{
    struct stdio io;
    int report[2] = {-1, -1};
    int error = 0;

    if (!open_stdio(&io, request) || pipe2(report, O_CLOEXEC) < 0) {
        send_failure("cannot make pipes for", argv[0], errno);
        close_stdio(&io);
        return false;
    }
    session->pid = fork();
    if (session->pid == 0)
        run_child(&io, *cwd, argv, envp, report[1]);
    close_fd(&report[1]);
    if (session->pid < 0)
        error = errno;
    else if (read(report[0], &error, sizeof(error)) > 0)
        waitpid(session->pid, NULL, 0);
    close_fd(&report[0]);
    if (error) {
        send_failure("cannot run", argv[0], error);
        close_stdio(&io);
        session->pid = 0;
        return false;
    }
    session->is_pty = request->pty;
    session->in = request->pty ? fcntl(io.master, F_DUPFD_CLOEXEC, 0) : io.in[1];
    session->out[0] = request->pty ? io.master : io.out[0];
    session->out[1] = io.err[0];
    io.in[1] = io.out[0] = io.err[0] = io.master = -1;
    close_stdio(&io);
    fcntl(session->in, F_SETFL, O_NONBLOCK);
    session->pidfd = (int)syscall(SYS_pidfd_open, session->pid, 0);
    return true;
}

static void start(struct session *session, size_t length)
{
    struct run_request request;
    char *at = (char *)frame + sizeof(request);
    char *end = (char *)frame + length;
    char **cwd = NULL, **argv = NULL, **envp = NULL;

    *session = (struct session){.pidfd = -1, .in = -1, .out = {-1, -1}};
    session->credit[0] = session->credit[1] = WINDOW;
    session->pending = stdin_buffer;
    if (length >= sizeof(request)) {
        memcpy(&request, frame, sizeof(request));
        cwd = take_strings(&at, end, 1);
        argv = cwd ? take_strings(&at, end, request.argc) : NULL;
        envp = argv ? take_strings(&at, end, request.envc) : NULL;
    }
    if (!envp || !argv[0])
        send_failure("cannot run", "the request", EBADMSG);
    else
        spawn(session, &request, cwd, argv, envp);
    free(cwd);
    free(argv);
    free(envp);
}

/* ---- a running command ---- */

static void end_session(struct session *session)
{
    uint8_t result[2] = {0};

    if (WIFSIGNALED(session->status)) {
        result[0] = 1;
        result[1] = (uint8_t)WTERMSIG(session->status);
    } else {
        result[1] = (uint8_t)WEXITSTATUS(session->status);
    }
    close_fd(&session->in);
    close_fd(&session->out[0]);
    close_fd(&session->out[1]);
    close_fd(&session->pidfd);
    session->pid = 0;
    send_frame('X', 0, result, sizeof(result));
}

static void acknowledge_input(size_t length)
{
    uint32_t count = (uint32_t)length;

    send_frame('A', 0, &count, sizeof(count));
}

static void flush_input(struct session *session)
{
    static const char end_of_file = 4;
    ssize_t n = session->pending_len;

    if (session->in >= 0 && n > 0)
        n = write(session->in, session->pending, session->pending_len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        /* Nobody reads it any more: drop it, but keep the sender going. */
        n = session->pending_len;
        close_fd(&session->in);
    }
    if (n > 0) {
        acknowledge_input((size_t)n);
        session->pending_len -= (size_t)n;
        memmove(session->pending, session->pending + n, session->pending_len);
    }
    if (session->eof && session->pending_len == 0 && session->in >= 0) {
        if (session->is_pty && write(session->in, &end_of_file, 1) < 0)
            perror("agent: end of input");
        close_fd(&session->in);
    }
}

static void pass_output(struct session *session, int stream)
{
    uint8_t data[CHUNK];
    size_t most = session->credit[stream] < CHUNK ? session->credit[stream] : CHUNK;
    ssize_t n = read(session->out[stream], data, most);

    if (n > 0) {
        session->credit[stream] -= (uint32_t)n;
        send_frame('D', (unsigned)stream + 1, data, (size_t)n);
    } else if (n == 0 || errno != EINTR) {
        close_fd(&session->out[stream]);
    }
}

static void abort_command(struct session *session)
{
    session->aborted = true;
    close_fd(&session->out[0]);
    close_fd(&session->out[1]);
    close_fd(&session->in);
    kill(-session->pid, SIGKILL);
}

static void handle_frame(struct session *session)
{
    struct header header;
    uint32_t length;

    port_io(&header, sizeof(header), false);
    length = header.length;
    if (length > MAX_FRAME) {
        fprintf(stderr, "agent: frame of %u bytes is too long\n", length);
        exit(1);
    }
    port_io(frame, length, false);
    if (header.type == 'R' && session->pid == 0) {
        start(session, length);
        return;
    }
    if (session->pid == 0)
        return; /* crossed with the end of the command */
    if (header.type == 'D' && length <= WINDOW - session->pending_len) {
        memcpy(session->pending + session->pending_len, frame, length);
        session->pending_len += length;
        flush_input(session);
    } else if (header.type == 'E') {
        session->eof = true;
        flush_input(session);
    } else if (header.type == 'A' && length == 4 && (header.stream == 1 || header.stream == 2)) {
        session->credit[header.stream - 1] += payload_u32();
    } else if (header.type == 'K') {
        abort_command(session);
    } else if (header.type == 'W' && length == 4 && session->is_pty) {
        struct winsize size = {.ws_row = (uint16_t)(frame[0] | frame[1] << 8),
                               .ws_col = (uint16_t)(frame[2] | frame[3] << 8)};
        ioctl(session->out[0], TIOCSWINSZ, &size);
    }
}

static void step(struct session *session)
{
    bool running = session->pid != 0;
    struct pollfd fds[5] = {
        {.fd = port, .events = POLLIN},
        {.fd = running && !session->exited ? session->pidfd : -1, .events = POLLIN},
        {.fd = running && session->pending_len > 0 ? session->in : -1, .events = POLLOUT},
        {.fd = running && session->credit[0] > 0 ? session->out[0] : -1, .events = POLLIN},
        {.fd = running && session->credit[1] > 0 ? session->out[1] : -1, .events = POLLIN},
    };
    /* What a command wrote before it ended is passed on; what its children write later is not. */
    bool draining = running && session->exited;

    if (poll(fds, 5, draining && (fds[3].fd >= 0 || fds[4].fd >= 0) ? 0 : -1) < 0)
        return;
    if (fds[0].revents & POLLIN)
        handle_frame(session);
    else if (fds[0].revents)
        usleep(10000);
    if (session->pid == 0)
        return;
    if (fds[2].revents && session->in >= 0)
        flush_input(session);
    for (int i = 0; i < 2; i++) {
        if (session->out[i] < 0 || fds[3 + i].fd < 0)
            continue;
        if (fds[3 + i].revents)
            pass_output(session, i);
        else if (draining)
            close_fd(&session->out[i]);
    }
    if (fds[1].revents && waitpid(session->pid, &session->status, 0) == session->pid)
        session->exited = true;
    if (session->exited && session->out[0] < 0 && session->out[1] < 0)
        end_session(session);
}

static void serve(const char *device)
{
    struct session session = {.pidfd = -1, .in = -1, .out = {-1, -1}};

    signal(SIGPIPE, SIG_IGN);
    port = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (port < 0) {
        perror(device);
        exit(1);
    }
    send_frame('H', 0, NULL, 0);
    for (;;)
        step(&session);
}

/* ---- PID 1 ---- */

static unsigned find_ports(char names[MAX_PORTS][32])
{
    DIR *dir = opendir("/sys/class/virtio-ports");
    struct dirent *entry;
    unsigned count = 0;

    while (dir && (entry = readdir(dir)) && count < MAX_PORTS) {
        if (strncmp(entry->d_name, "vport", 5) == 0 && strlen(entry->d_name) < 24)
            snprintf(names[count++], sizeof(names[0]), "/dev/%.24s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return count;
}

static pid_t start_worker(const char *device)
{
    pid_t pid = fork();

    if (pid == 0)
        serve(device);
    return pid;
}

int main(void)
{
    char names[MAX_PORTS][32];
    pid_t workers[MAX_PORTS];
    unsigned count = find_ports(names);

    if (count == 0) {
        fprintf(stderr, "agent: no virtio-serial port; is virtio_console loaded?\n");
        return 1;
    }
    for (unsigned i = 0; i < count; i++)
        workers[i] = start_worker(names[i]);
    for (;;) {
        pid_t pid = wait(NULL);
        for (unsigned i = 0; i < count; i++) {
            if (pid == workers[i]) {
                usleep(100000);
                workers[i] = start_worker(names[i]);
            }
        }
    }
}
