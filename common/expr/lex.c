#include "expr/lex.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

struct lexer {
    struct qn_arena *arena;
    struct qn_strv text;
    bool query;
    size_t at;
    struct qn_tokens tokens;
    size_t capacity;
    struct qn_expr_complaint *complaint;
};

static const struct {
    const char *word;
    enum qn_token_kind kind;
} words[] = {
    {"and", QN_TOK_AND},         {"between", QN_TOK_BETWEEN}, {"case", QN_TOK_CASE},
    {"cast", QN_TOK_CAST},       {"else", QN_TOK_ELSE},       {"end", QN_TOK_END_WORD},
    {"escape", QN_TOK_ESCAPE},   {"false", QN_TOK_FALSE},     {"glob", QN_TOK_GLOB},
    {"in", QN_TOK_IN},           {"is", QN_TOK_IS},           {"isnull", QN_TOK_ISNULL},
    {"ilike", QN_TOK_LIKE},      {"like", QN_TOK_LIKE},       {"not", QN_TOK_NOT},
    {"notnull", QN_TOK_NOTNULL}, {"null", QN_TOK_NULL},       {"or", QN_TOK_OR},
    {"then", QN_TOK_THEN},       {"true", QN_TOK_TRUE},       {"when", QN_TOK_WHEN},
};

static char peek(const struct lexer *lex, size_t ahead)
{
    return lex->at + ahead < lex->text.len ? lex->text.data[lex->at + ahead] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes past ASCII are letters, as in SQLite: any UTF-8 name works bare. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static struct qn_mark mark_from(const struct lexer *lex, size_t start)
{
    return (struct qn_mark){(uint32_t)start, (uint32_t)(lex->at - start)};
}

static qn_code push(struct lexer *lex, enum qn_token_kind kind, size_t start, struct qn_strv text)
{
    if (lex->tokens.n == lex->capacity) {
        size_t capacity = lex->capacity ? lex->capacity * 2 : 32;
        struct qn_token *items = QN_NEW_ARRAY(lex->arena, struct qn_token, capacity);
        if (!items)
            return qn_complain_nomem(lex->complaint);
        if (lex->tokens.n)
            memcpy(items, lex->tokens.items, lex->tokens.n * sizeof *items);
        lex->tokens.items = items;
        lex->capacity = capacity;
    }
    lex->tokens.items[lex->tokens.n++] =
        (struct qn_token){.kind = kind, .mark = mark_from(lex, start), .text = text};
    return QN_OK;
}

static qn_code push_slice(struct lexer *lex, enum qn_token_kind kind, size_t start)
{
    return push(lex, kind, start, (struct qn_strv){lex->text.data + start, lex->at - start});
}

/* The body between two quotes, where a doubled quote stands for one. */
static qn_code lex_quoted(struct lexer *lex, char quote, enum qn_token_kind kind)
{
    size_t start = lex->at++, body = lex->at, doubled = 0;
    for (;; lex->at++) {
        if (lex->at >= lex->text.len)
            return qn_complain(lex->complaint, mark_from(lex, start), NULL,
                               "the quote %c that opens here is never closed", quote);
        if (peek(lex, 0) != quote)
            continue;
        if (peek(lex, 1) != quote)
            break;
        doubled++;
        lex->at++;
    }
    struct qn_strv raw = {lex->text.data + body, lex->at - body};
    lex->at++;
    if (!doubled)
        return push(lex, kind, start, raw);
    char *text = qn_arena_alloc(lex->arena, raw.len);
    if (!text)
        return qn_complain_nomem(lex->complaint);
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        text[n++] = raw.data[i];
        i += raw.data[i] == quote;
    }
    return push(lex, kind, start, (struct qn_strv){text, n});
}

/* [a name], up to the next bracket. */
static qn_code lex_bracketed(struct lexer *lex)
{
    size_t start = lex->at++;
    while (lex->at < lex->text.len && peek(lex, 0) != ']')
        lex->at++;
    if (lex->at == lex->text.len)
        return qn_complain(lex->complaint, mark_from(lex, start), NULL,
                           "the bracket [ that opens here is never closed");
    struct qn_strv name = {lex->text.data + start + 1, lex->at - start - 1};
    lex->at++;
    return push(lex, QN_TOK_QUOTED, start, name);
}

static void skip_digits(struct lexer *lex)
{
    while (is_digit(peek(lex, 0)))
        lex->at++;
}

static enum qn_token_kind scan_number(struct lexer *lex)
{
    enum qn_token_kind kind = QN_TOK_INTEGER;
    if (peek(lex, 0) == '0' && (peek(lex, 1) | 0x20) == 'x' && is_hex_digit(peek(lex, 2))) {
        lex->at += 2;
        while (is_hex_digit(peek(lex, 0)))
            lex->at++;
        return kind;
    }
    skip_digits(lex);
    if (peek(lex, 0) == '.') {
        kind = QN_TOK_DECIMAL;
        lex->at++;
        skip_digits(lex);
    }
    size_t sign = peek(lex, 1) == '+' || peek(lex, 1) == '-';
    if ((peek(lex, 0) | 0x20) == 'e' && is_digit(peek(lex, 1 + sign))) {
        kind = QN_TOK_FLOAT;
        lex->at += 1 + sign;
        skip_digits(lex);
    }
    return kind;
}

static qn_code lex_number(struct lexer *lex)
{
    size_t start = lex->at;
    enum qn_token_kind kind = scan_number(lex);
    if (!is_letter(peek(lex, 0)))
        return push_slice(lex, kind, start);
    while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)))
        lex->at++;
    return qn_complain(lex->complaint, mark_from(lex, start),
                       "a column name that starts with a digit needs double quotes",
                       "a number must not run into a word");
}

static qn_code lex_word(struct lexer *lex)
{
    size_t start = lex->at;
    while (is_letter(peek(lex, 0)) || is_digit(peek(lex, 0)) || peek(lex, 0) == '$')
        lex->at++;
    struct qn_strv word = {lex->text.data + start, lex->at - start};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (qn_strv_eq_nocase(word, qn_strv_from(words[i].word)))
            return push(lex, words[i].kind, start, word);
    return push(lex, QN_TOK_NAME, start, word);
}

static const struct {
    const char *text; /* longer ones first */
    enum qn_token_kind kind;
} symbols[] = {
    {"<<", QN_TOK_SHIFT_LEFT}, {">>", QN_TOK_SHIFT_RIGHT}, {"||", QN_TOK_CONCAT},
    {"==", QN_TOK_EQ},         {"<>", QN_TOK_NE},          {"!=", QN_TOK_NE},
    {"::", QN_TOK_COLONS},     {"<=", QN_TOK_LE},          {">=", QN_TOK_GE},
    {"=", QN_TOK_EQ},          {"<", QN_TOK_LT},           {">", QN_TOK_GT},
    {"(", QN_TOK_LPAREN},      {")", QN_TOK_RPAREN},       {",", QN_TOK_COMMA},
    {"+", QN_TOK_PLUS},        {"-", QN_TOK_MINUS},        {"*", QN_TOK_STAR},
    {"/", QN_TOK_SLASH},       {"&", QN_TOK_AMPERSAND},    {"|", QN_TOK_PIPE},
    {"~", QN_TOK_TILDE},       {"%", QN_TOK_PERCENT},
};

static const char *hint_for(char c)
{
    switch (c) {
    case ':': return "write CAST(x AS type) for x::type";
    case '!': return "write NOT, or <> for 'not equal'";
    case ';': return "an expression has no ';' at its end";
    case '.': return "columns are written without a table name";
    default: return NULL;
    }
}

static qn_code lex_symbol(struct lexer *lex)
{
    size_t start = lex->at, left = lex->text.len - lex->at;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t len = strlen(symbols[i].text);
        if (len > left || memcmp(lex->text.data + start, symbols[i].text, len) != 0)
            continue;
        lex->at += len;
        return push_slice(lex, symbols[i].kind, start);
    }
    unsigned char c = (unsigned char)peek(lex, 0);
    lex->at++;
    if (lex->query && (c == '.' || c == ';'))
        return push_slice(lex, c == '.' ? QN_TOK_DOT : QN_TOK_SEMICOLON, start);
    const char *hint = hint_for((char)c);
    if (c > ' ' && c < 0x7F)
        return qn_complain(lex->complaint, mark_from(lex, start), hint, "'%c' is not part of %s", c,
                           lex->query ? "a query" : "an expression");
    return qn_complain(lex->complaint, mark_from(lex, start), hint, "byte 0x%02x is not part of %s",
                       c, lex->query ? "a query" : "an expression");
}

/* Blanks, "-- to the end of the line" and block comments, open-ended ones too (as SQLite). */
static bool skip_blank(struct lexer *lex)
{
    char c = peek(lex, 0);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        lex->at++;
        return true;
    }
    if (c == '-' && peek(lex, 1) == '-') {
        while (lex->at < lex->text.len && peek(lex, 0) != '\n')
            lex->at++;
        return true;
    }
    if (c == '/' && peek(lex, 1) == '*') {
        lex->at += 2;
        while (lex->at < lex->text.len && !(peek(lex, 0) == '*' && peek(lex, 1) == '/'))
            lex->at++;
        lex->at = lex->at + 2 < lex->text.len ? lex->at + 2 : lex->text.len;
        return true;
    }
    return false;
}

static qn_code lex_one(struct lexer *lex)
{
    char c = peek(lex, 0);
    if (c == '\'')
        return lex_quoted(lex, c, QN_TOK_STRING);
    if (c == '"' || c == '`')
        return lex_quoted(lex, c, QN_TOK_QUOTED);
    if (c == '[')
        return lex_bracketed(lex);
    if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1))))
        return lex_number(lex);
    if (is_letter(c))
        return lex_word(lex);
    return lex_symbol(lex);
}

qn_code qn_lex(struct qn_arena *arena, struct qn_strv text, bool query, struct qn_tokens *out,
               struct qn_expr_complaint *complaint)
{
    if (text.len > QN_MAX_EXPR_BYTES)
        return qn_complain(complaint, (struct qn_mark){0, 1}, NULL,
                           "%s of %zu bytes is too long (at most %d)",
                           query ? "a query" : "an expression", text.len, QN_MAX_EXPR_BYTES);
    if (!qn_utf8_valid(text))
        return qn_complain(complaint, (struct qn_mark){0, (uint32_t)text.len}, NULL,
                           "the %s is not valid UTF-8", query ? "query" : "expression");
    struct lexer lex = {.arena = arena, .text = text, .query = query, .complaint = complaint};
    while (lex.at < text.len)
        if (!skip_blank(&lex))
            QN_TRY(lex_one(&lex));
    QN_TRY(push(&lex, QN_TOK_END, text.len, (struct qn_strv){"", 0}));
    *out = lex.tokens;
    return QN_OK;
}
