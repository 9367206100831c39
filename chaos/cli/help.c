// SPDX-License-Identifier: BSD-3-Clause
/* Help texts, made from the table of commands. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

/* Columns at which the explanations start. */
#define COMMAND_COLUMN 14
#define OPTION_COLUMN  32

void help_overview(void)
{
    out_str("usage: chaos COMMAND [OPTION...] [ARGUMENT...]\n"
            "Starts and manages lightweight Xen guests.\n\n"
            "commands:\n");
    for (const struct command *const *c = commands; *c; c++)
        out_printf("  %-*s%s\n", COMMAND_COLUMN - 2, (*c)->name, (*c)->summary);
    out_str("\n\"chaos help COMMAND\" tells more; see also chaos(1) and chaos.cfg(5).\n");
}

static void option_line(const struct opt_spec *option)
{
    char left[128], letter[8] = "    ";

    if (option->short_name)
        snprintf(letter, sizeof(letter), "-%c, ", option->short_name);
    if (!option->argument)
        snprintf(left, sizeof(left), "%s--%s", letter, option->long_name);
    else if (option->optional)
        snprintf(left, sizeof(left), "%s--%s[=%s]", letter, option->long_name, option->argument);
    else
        snprintf(left, sizeof(left), "%s--%s=%s", letter, option->long_name, option->argument);

    if (strlen(left) > OPTION_COLUMN - 4)
        out_printf("  %s\n%*s%s\n", left, OPTION_COLUMN, "", option->help);
    else
        out_printf("  %-*s%s\n", OPTION_COLUMN - 2, left, option->help);
}

void help_command(const struct command *command)
{
    static const struct opt_spec help_option = {
        .kind = OPT_KIND_FLAG,
        .short_name = 'h',
        .long_name = "help",
        .help = "show this help",
    };

    out_printf("usage: chaos %s [OPTION...]%s%s\n", command->name,
               command->synopsis && *command->synopsis ? " " : "",
               command->synopsis ? command->synopsis : "");
    out_printf("%s\n\noptions:\n", command->summary);
    for (const struct opt_spec *o = command->options; o && o->kind; o++)
        option_line(o);
    option_line(&help_option);
    if (command->notes)
        out_printf("\n%s\n", command->notes);
}
