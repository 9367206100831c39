// SPDX-License-Identifier: BSD-3-Clause
/* Prints the shell completion script, made from the table of commands. */
#include "cmd.h"

#include <errno.h>
#include <string.h>

#include "output.h"

static const char prologue[] =
    "# bash completion for chaos(1); made by \"chaos completion bash\": do not edit\n"
    "_chaos()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command=${COMP_WORDS[1]} options='' arguments='' choices=''\n"
    "\n"
    "    # bash splits --option=value at the sign\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=''\n"
    "    elif [[ $prev == = ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n";

static const char epilogue[] =
    "    if [[ -n $choices ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
    "        return\n"
    "    fi\n"
    "    if [[ $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "        return\n"
    "    fi\n"
    "    case $arguments in\n"
    "    domain)\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$(chaos list -o name 2>/dev/null)\" -- "
    "\"$cur\")\n"
    "        ;;\n"
    "    file)\n"
    "        compopt -o filenames\n"
    "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; compgen -f -X '!*.cfg' -- \"$cur\")\n"
    "        ;;\n"
    "    command)\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _chaos chaos\n";

static const char *argument_kind(const struct command *command)
{
    switch (command->complete) {
    case CMD_COMPLETE_DOMAIN:
        return "domain";
    case CMD_COMPLETE_FILE:
        return "file";
    case CMD_COMPLETE_COMMAND:
        return "command";
    default:
        return "";
    }
}

static void option_words(const struct command *command)
{
    out_str("        options='-h --help");
    for (const struct opt_spec *o = command->options; o && o->kind; o++) {
        if (o->short_name)
            out_printf(" -%c", o->short_name);
        out_printf(" --%s", o->long_name);
    }
    out_str("'\n");
}

/* An option whose argument is one of some words: offer these after it. */
static void option_choices(const struct opt_spec *option)
{
    out_str("        [[ ");
    if (option->short_name)
        out_printf("$prev == -%c || ", option->short_name);
    out_printf("$prev == --%s ]] && choices='", option->long_name);
    for (const char *c = option->argument; *c; c++)
        out_write(*c == '|' ? " " : c, 1);
    out_str("'\n");
}

static void command_case(const struct command *command)
{
    out_printf("    %s)\n", command->name);
    option_words(command);
    out_printf("        arguments='%s'\n", argument_kind(command));
    for (const struct opt_spec *o = command->options; o && o->kind; o++)
        if (o->argument && strchr(o->argument, '|') && !o->optional)
            option_choices(o);
    out_str("        ;;\n");
}

static int run(const struct cmd_call *call, struct chaos_error *err)
{
    if (strcmp(call->args[0], "bash") != 0)
        return chaos_error_set(err, -EINVAL, CHAOS_EXIT_USAGE,
                               "no completion for '%s', only for bash", call->args[0]);
    out_str(prologue);
    out_str("    local commands='");
    for (const struct command *const *c = commands; *c; c++)
        out_printf("%s%s", c == commands ? "" : " ", (*c)->name);
    out_str("'\n\n"
            "    if ((COMP_CWORD == 1)); then\n"
            "        mapfile -t COMPREPLY < <(compgen -W \"$commands -h --help --version\""
            " -- \"$cur\")\n"
            "        return\n"
            "    fi\n"
            "    case $command in\n");
    for (const struct command *const *c = commands; *c; c++)
        command_case(*c);
    out_str("    esac\n");
    out_str(epilogue);
    return 0;
}

const struct command cmd_completion = {
    .name = "completion",
    .run = run,
    .summary = "print the completion script of a shell",
    .synopsis = "bash",
    .min_args = 1,
    .max_args = 1,
};
