/* SPDX-License-Identifier: BSD-3-Clause */
/* Tokens of xl.cfg(5). */
#ifndef CHAOS_CONFIG_LEX_H
#define CHAOS_CONFIG_LEX_H

#include <stddef.h>

enum config_token_type {
    CONFIG_TOKEN_END,
    CONFIG_TOKEN_NEWLINE, /* a comment ends in one */
    CONFIG_TOKEN_SEMICOLON,
    CONFIG_TOKEN_IDENT,
    CONFIG_TOKEN_NUMBER,
    CONFIG_TOKEN_STRING, /* start .. length: between the quotes, escapes still in it */
    CONFIG_TOKEN_ASSIGN,
    CONFIG_TOKEN_ADD, /* += */
    CONFIG_TOKEN_OPEN,
    CONFIG_TOKEN_CLOSE,
    CONFIG_TOKEN_COMMA,
    CONFIG_TOKEN_WORD,         /* letters and the like that are neither identifier nor number */
    CONFIG_TOKEN_UNTERMINATED, /* a string without closing quote; ends before the newline */
    CONFIG_TOKEN_NUL,          /* a NUL byte: this is no text */
    CONFIG_TOKEN_BAD,          /* a byte that starts no token */
};

struct config_token {
    enum config_token_type type;
    const char *start;
    size_t length;
    unsigned int line;
};

struct config_lexer {
    const char *at, *end;
    unsigned int line;
};

void config_lex_init(struct config_lexer *lexer, const char *text, size_t length);
void config_lex(struct config_lexer *lexer, struct config_token *token);

/* Moves to the next line. */
void config_lex_skip_line(struct config_lexer *lexer);

/* Whether the rest of the line starts with "identifier =" or "identifier +=". */
int config_lex_at_assignment(const struct config_lexer *lexer);

#endif
