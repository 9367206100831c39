// SPDX-License-Identifier: BSD-3-Clause
#include "config_lex.h"

#include <stdbool.h>
#include <string.h>

void config_lex_init(struct config_lexer *lexer, const char *text, size_t length)
{
    static const char byte_order_mark[3] = {'\xef', '\xbb', '\xbf'};

    lexer->at = text;
    lexer->end = text + length;
    lexer->line = 1;
    if (length >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        lexer->at += 3;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_ident(char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '.';
}

static bool is_number(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || c == 'x';
}

/* Letters, digits and what people write in words and paths; bytes of UTF-8 among them. */
static bool is_word(char c)
{
    return is_ident(c) || (c >= 'A' && c <= 'Z') || (c && strchr("-+./:@%~", c)) ||
           (unsigned char)c >= 0x80;
}

static void skip_blanks(struct config_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        bool crlf = c == '\r' && lexer->at + 1 < lexer->end && lexer->at[1] == '\n';

        if (c != ' ' && c != '\t' && !crlf)
            return;
        lexer->at++;
    }
}

static void lex_newline(struct config_lexer *lexer, struct config_token *token)
{
    const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

    token->type = newline ? CONFIG_TOKEN_NEWLINE : CONFIG_TOKEN_END;
    lexer->at = newline ? newline + 1 : lexer->end;
    lexer->line += newline != NULL;
}

/* Comments hold any byte but NUL, which would hide the rest from other readers of the file. */
static void lex_comment(struct config_lexer *lexer, struct config_token *token)
{
    const char *start = lexer->at;

    lex_newline(lexer, token);
    if (memchr(start, '\0', (size_t)(lexer->at - start)))
        token->type = CONFIG_TOKEN_NUL;
}

static void lex_string(struct config_lexer *lexer, struct config_token *token)
{
    const char quote = *lexer->at, *c = lexer->at + 1;

    token->start = c;
    token->type = CONFIG_TOKEN_UNTERMINATED;
    for (; c < lexer->end && *c != '\n'; c++) {
        if (*c == '\0') {
            token->type = CONFIG_TOKEN_NUL;
            break;
        }
        if (*c == quote) {
            token->type = CONFIG_TOKEN_STRING;
            break;
        }
        if (*c == '\\' && c + 1 < lexer->end && c[1] != '\n' && c[1] != '\0')
            c++;
    }
    token->length = (size_t)(c - token->start);
    lexer->at = token->type == CONFIG_TOKEN_STRING ? c + 1 : c;
}

static void lex_run(struct config_lexer *lexer, struct config_token *token)
{
    const char *start = lexer->at, *c = start;
    bool number = is_digit(*c), ident = is_lower(*c);

    /* "name+=" is not one word */
    for (; c < lexer->end && is_word(*c); c++) {
        if (*c == '+' && c + 1 < lexer->end && c[1] == '=')
            break;
        number = number && is_number(*c);
        ident = ident && is_ident(*c);
    }
    token->length = (size_t)(c - start);
    token->type = number ? CONFIG_TOKEN_NUMBER : ident ? CONFIG_TOKEN_IDENT : CONFIG_TOKEN_WORD;
    lexer->at = c;
}

static void lex_sign(struct config_lexer *lexer, struct config_token *token)
{
    static const struct {
        char sign;
        unsigned char type;
    } signs[] = {
        {';', CONFIG_TOKEN_SEMICOLON}, {'=', CONFIG_TOKEN_ASSIGN}, {'[', CONFIG_TOKEN_OPEN},
        {']', CONFIG_TOKEN_CLOSE},     {',', CONFIG_TOKEN_COMMA},  {'\0', CONFIG_TOKEN_NUL},
    };

    token->type = CONFIG_TOKEN_BAD;
    token->length = 1;
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (signs[i].sign == *lexer->at)
            token->type = signs[i].type;
    lexer->at++;
}

void config_lex(struct config_lexer *lexer, struct config_token *token)
{
    char c;

    skip_blanks(lexer);
    token->start = lexer->at;
    token->length = 0;
    token->line = lexer->line;
    if (lexer->at == lexer->end) {
        token->type = CONFIG_TOKEN_END;
        return;
    }
    c = *lexer->at;
    if (c == '#') {
        lex_comment(lexer, token);
    } else if (c == '\n') {
        lex_newline(lexer, token);
    } else if (c == '"' || c == '\'') {
        lex_string(lexer, token);
    } else if (c == '+' && lexer->at + 1 < lexer->end && lexer->at[1] == '=') {
        token->type = CONFIG_TOKEN_ADD;
        token->length = 2;
        lexer->at += 2;
    } else if (is_word(c)) {
        lex_run(lexer, token);
    } else {
        lex_sign(lexer, token);
    }
}

void config_lex_skip_line(struct config_lexer *lexer)
{
    struct config_token token;

    lex_newline(lexer, &token);
}

int config_lex_at_assignment(const struct config_lexer *lexer)
{
    struct config_lexer ahead = *lexer;
    struct config_token token;

    config_lex(&ahead, &token);
    if (token.type != CONFIG_TOKEN_IDENT)
        return 0;
    config_lex(&ahead, &token);
    return token.type == CONFIG_TOKEN_ASSIGN || token.type == CONFIG_TOKEN_ADD;
}
