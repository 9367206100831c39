// SPDX-License-Identifier: BSD-3-Clause
/* chaos(1): finds the command, parses its options, runs it, reports its failure. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "help.h"
#include "output.h"

/*
 * A closed standard descriptor would be handed to the next file opened, and messages would go into
 * that file. Read-only /dev/null takes its place: what is written there still fails.
 */
static void keep_standard_descriptors(void)
{
    struct pollfd fds[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
    bool closed = false;

    if (poll(fds, 3, 0) <= 0)
        return;
    for (int fd = 0; fd < 3; fd++)
        closed |= fds[fd].revents & POLLNVAL;
    while (closed) {
        int fd = open("/dev/null", O_RDONLY);

        if (fd < 0 || fd <= 2)
            closed = fd >= 0;
        else
            closed = close(fd) != 0;
    }
}

static int check_arguments(const struct cmd_call *call, struct chaos_error *err)
{
    const struct command *command = call->command;

    if (call->nr_args < command->min_args)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "needs %s", command->synopsis);
    if (command->max_args != CMD_ARGS_ANY && call->nr_args > command->max_args)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE, "unexpected argument '%s'",
                               call->args[command->max_args]);
    return 0;
}

static int run_command(const struct command *command, int argc, char **argv,
                       struct chaos_error *err)
{
    union {
        uint64_t align;
        unsigned char bytes[OPT_STRUCT_MAX];
    } options = {0};
    struct cmd_call call = {.command = command, .options = &options};
    bool help;
    int rc;

    rc = opt_parse(command->options, &options, argc, argv, &call.nr_args, &help, err);
    if (rc)
        return rc;
    if (help) {
        help_command(command);
        return 0;
    }
    argv[call.nr_args] = NULL;
    call.args = (const char *const *)argv;
    rc = check_arguments(&call, err);
    return rc ? rc : command->run(&call, err);
}

/* Each line of the text gets the command's name: a configuration may have several errors. */
static int report(const struct command *command, const struct chaos_error *err)
{
    const char *name = command ? command->name : "";
    const char *topic = command && command->complete != CMD_COMPLETE_COMMAND ? name : "";
    const char *line = err->text;

    while (*line) {
        int length = (int)strcspn(line, "\n");
        bool usage = err->exit == CHAOS_EXIT_USAGE && line[length] == '\0';

        out_note_as(name, "%.*s%s%s%s", length, line, usage ? "; see: chaos help" : "",
                    usage && *topic ? " " : "", usage ? topic : "");
        line += length;
        line += *line == '\n';
    }
    return err->exit ? (int)err->exit : CHAOS_EXIT_FAILURE;
}

/* "chaos --help" and "chaos --version" are commands as well. */
static const char *command_word(const char *word)
{
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        return "help";
    if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        return "version";
    return word;
}

int main(int argc, char **argv)
{
    struct chaos_error err = {0};
    const struct command *command = NULL;
    int rc, status = CHAOS_EXIT_OK;

    keep_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a reader that left is an error like any other */

    if (argc < 2) {
        rc = chaos_error_set(&err, -EINVAL, CHAOS_EXIT_USAGE, "a command is missing");
    } else {
        const char *word = command_word(argv[1]);

        command = cmd_find(word);
        if (command)
            rc = run_command(command, argc - 2, argv + 2, &err);
        else
            rc = cmd_unknown(word, &err);
    }
    if (rc)
        status = report(command, &err);
    if (out_flush(&err) && status == CHAOS_EXIT_OK)
        status = report(command, &err);
    return status;
}
