// SPDX-License-Identifier: BSD-3-Clause
/* The grammar of xl.cfg(5): statements, values, lists; several errors are found in one run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config_lex.h"
#include "config_value.h"
#include "hex.h"

#define SHOWN_MAX 40 /* bytes of the text that a message quotes */

struct parser {
    struct config_document *document;
    struct config_report *report;
    const char *source;
    bool override; /* the text is an argument: replacing is what it is for */
    struct config_lexer lexer;
    struct config_token token; /* the next one, not yet taken */
    const char *key;           /* of the statement under way, for hints */
    bool in_list;              /* an error came inside a list */
    bool fatal;
    int rc;
};

static void advance(struct parser *p)
{
    config_lex(&p->lexer, &p->token);
}

static struct config_place here(const struct parser *p)
{
    return (struct config_place){p->source, p->override ? 0 : p->token.line};
}

static void *allocate(struct parser *p, size_t size)
{
    void *result = config_arena_alloc(&p->document->arena, size);

    if (!result) {
        p->rc = -ENOMEM;
        p->fatal = true;
    }
    return result;
}

static char *copy_text(struct parser *p, const char *start, size_t length)
{
    char *copy = allocate(p, length + 1);

    if (copy) {
        memcpy(copy, start, length);
        copy[length] = '\0';
    }
    return copy;
}

/* A word where a value should be: most come from Python, shell or habit. */
static void bad_word(struct parser *p)
{
    size_t length = p->token.length < SHOWN_MAX ? p->token.length : SHOWN_MAX;
    const char *word = copy_text(p, p->token.start, length);

    if (!word)
        return;
    if (strcmp(word, "None") == 0)
        config_error(p->report, here(p), "None is no value (this is not Python): leave %s out",
                     p->key);
    else if (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0)
        config_error(p->report, here(p), "'%s' is no value (this is not Python): write %s=%d", word,
                     p->key, strcasecmp(word, "true") == 0);
    else if (word[0] == '-' && word[1] >= '0' && word[1] <= '9')
        config_error(p->report, here(p), "%s: '%s': numbers have no sign", p->key, word);
    else if (word[0] >= '0' && word[0] <= '9')
        config_not_a_number(p->report, here(p), p->key, word);
    else
        config_error(p->report, here(p), "%s: '%s' must stand in quotes: %s=\"%s\"", p->key, word,
                     p->key, word);
}

static void syntax_error(struct parser *p, const char *expected)
{
    const struct config_token *t = &p->token;
    int length = t->length < SHOWN_MAX ? (int)t->length : SHOWN_MAX;

    switch (t->type) {
    case CONFIG_TOKEN_END:
        config_error(p->report, here(p), "the text ends where %s should be", expected);
        break;
    case CONFIG_TOKEN_NEWLINE:
        config_error(p->report, here(p), "the line ends where %s should be", expected);
        break;
    case CONFIG_TOKEN_UNTERMINATED:
        config_error(p->report, here(p), "a string has no closing quote: %.*s", length + 1,
                     t->start - 1);
        break;
    case CONFIG_TOKEN_NUL:
        config_error(p->report, here(p), "there is a NUL byte: this is not a text file");
        p->fatal = true;
        break;
    case CONFIG_TOKEN_BAD:
        if (*t->start > ' ' && *t->start <= '~') {
            config_error(p->report, here(p), "'%c' stands where %s should be", *t->start, expected);
            break;
        }
        config_error(p->report, here(p), "there is a byte 0x%02x where %s should be",
                     (unsigned char)*t->start, expected);
        break;
    default:
        config_error(p->report, here(p), "'%.*s' stands where %s should be", length, t->start,
                     expected);
    }
}

/* A number after a backslash: at most `digits` of them. 0: there is none, or it is NUL. */
static unsigned int escaped_number(const char **at, const char *end, int digits, int base)
{
    unsigned int value = 0;

    for (; digits && *at < end; digits--, (*at)++) {
        int digit = hex_digit(**at);

        if (digit < 0 || digit >= base)
            break;
        value = value * (unsigned int)base + (unsigned int)digit;
    }
    return value <= 0xff ? value : 0;
}

/* *at is behind the backslash. 0: not an escape that may stand there. */
static char unescape(const char **at, const char *end)
{
    static const char from[] = "\"'\\abfnrtv", to[] = "\"'\\\a\b\f\n\r\t\v";
    const char *known;
    char c;

    if (*at == end)
        return 0;
    c = *(*at)++;
    if (c == 'x')
        return (char)escaped_number(at, end, 2, 16);
    if (c >= '0' && c <= '7') {
        (*at)--;
        return (char)escaped_number(at, end, 3, 8);
    }
    known = c ? strchr(from, c) : NULL;
    return known ? to[known - from] : 0;
}

static char *string_token(struct parser *p)
{
    const char *at = p->token.start, *end = at + p->token.length;
    char *result = allocate(p, p->token.length + 1), *out = result;

    if (!result)
        return NULL;
    while (at < end) {
        char c = *at++;

        if (c == '\\') {
            c = unescape(&at, end);
            if (!c) {
                config_error(p->report, here(p), "a backslash starts no escape that is known: %.*s",
                             (int)(p->token.length < SHOWN_MAX ? p->token.length : SHOWN_MAX),
                             p->token.start);
                return NULL;
            }
        }
        *out++ = c;
    }
    *out = '\0';
    return result;
}

static struct config_value *new_value(struct parser *p, bool is_list)
{
    struct config_value *value;

    if (++p->document->nr_values > CONFIG_VALUES_MAX) {
        config_error(p->report, here(p), "there are more than %d values", CONFIG_VALUES_MAX);
        p->fatal = true;
        return NULL;
    }
    value = allocate(p, sizeof(*value));
    if (value) {
        memset(value, 0, sizeof(*value));
        value->is_list = is_list;
        value->line = p->token.line;
    }
    return value;
}

static struct config_value *parse_list(struct parser *p, int depth);

static struct config_value *parse_value(struct parser *p, int depth)
{
    struct config_value *value;

    switch (p->token.type) {
    case CONFIG_TOKEN_OPEN:
        return parse_list(p, depth + 1);
    case CONFIG_TOKEN_STRING:
    case CONFIG_TOKEN_NUMBER:
        value = new_value(p, false);
        if (!value)
            return NULL;
        if (p->token.type == CONFIG_TOKEN_STRING)
            value->string = string_token(p);
        else
            value->string = copy_text(p, p->token.start, p->token.length);
        if (!value->string)
            return NULL;
        advance(p);
        return value;
    case CONFIG_TOKEN_IDENT:
    case CONFIG_TOKEN_WORD:
        bad_word(p);
        return NULL;
    default:
        syntax_error(p, "a value");
        return NULL;
    }
}

static void skip_newlines(struct parser *p)
{
    while (p->token.type == CONFIG_TOKEN_NEWLINE)
        advance(p);
}

/* "[ value, value, ]" with newlines anywhere in it. */
static struct config_value *parse_list(struct parser *p, int depth)
{
    struct config_value *list = new_value(p, true), *value;
    struct config_place start = here(p);

    p->in_list = true;
    if (!list)
        return NULL;
    if (depth > CONFIG_DEPTH_MAX) {
        config_error(p->report, here(p), "lists are nested deeper than %d", CONFIG_DEPTH_MAX);
        p->fatal = true;
        return NULL;
    }
    advance(p);
    skip_newlines(p);
    while (p->token.type != CONFIG_TOKEN_CLOSE) {
        if (p->token.type == CONFIG_TOKEN_END) {
            config_error(p->report, start, "the list that starts here has no ']'");
            return NULL;
        }
        value = parse_value(p, depth);
        if (!value)
            return NULL;
        *(list->first ? &list->last->next : &list->first) = value;
        list->last = value;
        skip_newlines(p);
        if (p->token.type == CONFIG_TOKEN_COMMA) {
            advance(p);
            skip_newlines(p);
        } else if (p->token.type != CONFIG_TOKEN_CLOSE && p->token.type != CONFIG_TOKEN_END) {
            syntax_error(p, "',' or ']'");
            return NULL;
        }
    }
    advance(p);
    p->in_list = depth > 1;
    return list;
}

/* What += does: strings are joined, lists continued. */
static void append(struct parser *p, struct config_setting *to, struct config_place place,
                   struct config_value *value)
{
    struct config_value *old = to->value;

    if (old->is_list != value->is_list) {
        config_error(p->report, place, "%s: += cannot join a list and a string", to->name);
    } else if (!old->is_list) {
        size_t l1 = strlen(old->string), l2 = strlen(value->string);
        char *joined = allocate(p, l1 + l2 + 1);

        if (!joined)
            return;
        memcpy(joined, old->string, l1);
        memcpy(joined + l1, value->string, l2 + 1);
        old->string = joined;
    } else if (value->first) {
        *(old->first ? &old->last->next : &old->first) = value->first;
        old->last = value->last;
    }
}

static void store(struct parser *p, const char *name, bool add, struct config_place place,
                  struct config_value *value)
{
    struct config_document *document = p->document;
    struct config_setting *setting = config_document_find(document, name);

    if (setting && add) {
        append(p, setting, place, value);
        return;
    }
    if (setting) {
        if (!p->override)
            config_warn(p->report, place, "%s is set again (before: line %u); the last one counts",
                        name, setting->place.line);
    } else {
        if (document->nr_settings >= CONFIG_SETTINGS_MAX) {
            config_error(p->report, place, "there are more than %d settings", CONFIG_SETTINGS_MAX);
            p->fatal = true;
            return;
        }
        setting = allocate(p, sizeof(*setting));
        if (!setting)
            return;
        document->nr_settings++;
        setting->name = name;
        setting->next = NULL;
        *document->tail = setting;
        document->tail = &setting->next;
    }
    setting->value = value;
    setting->place = place;
}

static bool parse_assignment(struct parser *p)
{
    struct config_place place = here(p);
    struct config_value *value;
    bool add;

    if (p->token.type != CONFIG_TOKEN_IDENT) {
        syntax_error(p, "a key");
        return false;
    }
    p->key = copy_text(p, p->token.start, p->token.length);
    if (!p->key)
        return false;
    advance(p);
    if (p->token.type != CONFIG_TOKEN_ASSIGN && p->token.type != CONFIG_TOKEN_ADD) {
        syntax_error(p, "'='");
        return false;
    }
    add = p->token.type == CONFIG_TOKEN_ADD;
    advance(p);
    value = parse_value(p, 0);
    if (!value)
        return false;
    if (p->token.type != CONFIG_TOKEN_NEWLINE && p->token.type != CONFIG_TOKEN_SEMICOLON &&
        p->token.type != CONFIG_TOKEN_END) {
        syntax_error(p, "the end of the line or ';'");
        return false;
    }
    store(p, p->key, add, place, value);
    return true;
}

/* After an error: to the next line; out of a list, to the next line that starts a statement. */
static void resynchronise(struct parser *p)
{
    if (p->token.type != CONFIG_TOKEN_NEWLINE)
        config_lex_skip_line(&p->lexer);
    while (p->in_list && p->lexer.at < p->lexer.end && !config_lex_at_assignment(&p->lexer))
        config_lex_skip_line(&p->lexer);
    p->in_list = false;
    advance(p);
}

static int parse_statements(struct parser *p, const char *text, size_t length)
{
    config_lex_init(&p->lexer, text, length);
    advance(p);
    while (p->token.type != CONFIG_TOKEN_END && !p->fatal && !config_report_full(p->report)) {
        if (p->token.type == CONFIG_TOKEN_NEWLINE || p->token.type == CONFIG_TOKEN_SEMICOLON)
            advance(p);
        else if (!parse_assignment(p) && !p->fatal)
            resynchronise(p);
    }
    return p->rc;
}

int config_document_parse(struct config_document *document, const char *source, const char *text,
                          size_t length)
{
    struct parser p = {.document = document, .report = document->report, .source = source};

    return parse_statements(&p, text, length);
}

/*
 * The shell has eaten the quotes of key="value": what does not look like a number, a quoted string,
 * a list or several statements is the value itself. Returns where it starts, or NULL.
 */
static const char *bare_word(const char *argument)
{
    struct config_lexer lexer;
    struct config_token token;
    const char *value;

    config_lex_init(&lexer, argument, strlen(argument));
    if (!config_lex_at_assignment(&lexer))
        return NULL;
    config_lex(&lexer, &token);
    config_lex(&lexer, &token);
    value = lexer.at + strspn(lexer.at, " \t");
    if (*value == '\0' || strchr("\"'[", *value) || strpbrk(value, ";\n"))
        return NULL;
    config_lex(&lexer, &token);
    if (token.type == CONFIG_TOKEN_NUMBER && lexer.at == lexer.end)
        return NULL;
    return value;
}

int config_document_override(struct config_document *document, const char *argument)
{
    struct parser p = {
        .document = document,
        .report = document->report,
        .override = true,
    };
    struct config_token name, operator;
    struct config_value *value;
    const char *word;
    size_t length = strlen(argument);
    char *source = allocate(&p, SHOWN_MAX + 16);

    if (!source)
        return p.rc;
    snprintf(source, SHOWN_MAX + 16, "argument '%.*s%s'", SHOWN_MAX, argument,
             length > SHOWN_MAX ? "..." : "");
    p.source = source;
    if (length > CHAOS_CONFIG_FILE_MAX) {
        config_error(p.report, (struct config_place){source, 0}, "is longer than %u bytes",
                     CHAOS_CONFIG_FILE_MAX);
        return 0;
    }
    word = bare_word(argument);
    if (!word)
        return parse_statements(&p, argument, length);

    config_lex_init(&p.lexer, argument, length);
    config_lex(&p.lexer, &name);
    config_lex(&p.lexer, &operator);
    p.token = name;
    value = new_value(&p, false);
    if (!value)
        return p.rc;
    value->string = copy_text(&p, word, length - (size_t)(word - argument));
    p.key = copy_text(&p, name.start, name.length);
    if (value->string && p.key)
        store(&p, p.key, operator.type == CONFIG_TOKEN_ADD, (struct config_place){source, 0},
              value);
    return p.rc;
}
