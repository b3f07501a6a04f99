/* Random expressions of every type, written for us and for SQLite. */
#ifndef QN_TESTS_CONFORMANCE_EXPR_RANDOM_H
#define QN_TESTS_CONFORMANCE_EXPR_RANDOM_H

#include "tests/conformance/expr_oracle.h"

struct gen {
    struct random random;
    char ours[16384], theirs[16384];
    size_t n_ours, n_theirs;
};

static inline uint32_t below(struct gen *g, uint32_t n)
{
    return random_below(&g->random, n);
}

/* The same words for both; or different ones. */
static inline void both2(struct gen *g, const char *ours, const char *theirs)
{
    g->n_ours += (size_t)snprintf(g->ours + g->n_ours, sizeof g->ours - g->n_ours, "%s", ours);
    g->n_theirs +=
        (size_t)snprintf(g->theirs + g->n_theirs, sizeof g->theirs - g->n_theirs, "%s", theirs);
}

static inline void both(struct gen *g, const char *text)
{
    both2(g, text, text);
}

typedef void gen_fn(struct gen *g, int depth);

static void gen_int(struct gen *g, int depth);
static void gen_real(struct gen *g, int depth);
static void gen_dec(struct gen *g, int depth);
static void gen_text(struct gen *g, int depth);
static void gen_bool(struct gen *g, int depth);
static void gen_date(struct gen *g, int depth);
static void gen_time(struct gen *g, int depth);

/* "f(" a "," b ")" */
static inline void call2(struct gen *g, const char *head, gen_fn *a, gen_fn *b, int depth)
{
    both(g, head);
    a(g, depth - 1);
    both(g, ", ");
    b(g, depth - 1);
    both(g, ")");
}

/* "f(g(" a ")," b ")" */
static inline void call2_nested(struct gen *g, const char *head, gen_fn *a, gen_fn *b, int depth)
{
    both(g, head);
    a(g, depth - 1);
    both(g, "), ");
    b(g, depth - 1);
    both(g, ")");
}

static inline void call1(struct gen *g, const char *head, gen_fn *a, int depth)
{
    both(g, head);
    a(g, depth - 1);
    both(g, ")");
}

static inline void infix(struct gen *g, gen_fn *a, const char *op, gen_fn *b, int depth)
{
    /* Without parentheses precedence is tested; || binds tighter than arithmetic on its sides. */
    bool open = below(g, 3) != 0 || strcmp(op, " || ") == 0;
    both(g, open ? "(" : "");
    both(g, open ? "(" : "");
    a(g, depth - 1);
    both(g, open ? ")" : "");
    both(g, op);
    both(g, open ? "(" : "");
    b(g, depth - 1);
    both(g, open ? "))" : "");
}

/* Forms that every type has. */
static inline void gen_choice(struct gen *g, gen_fn *same, int depth)
{
    static gen_fn *const any[] = {gen_int, gen_real, gen_dec, gen_text, gen_bool, gen_date};
    switch (below(g, 6)) {
    case 0:
        both(g, "CASE WHEN ");
        gen_bool(g, depth - 1);
        both(g, " THEN ");
        same(g, depth - 1);
        if (below(g, 2)) {
            both(g, " WHEN ");
            gen_bool(g, depth - 1);
            both(g, " THEN ");
            same(g, depth - 1);
        }
        if (below(g, 3)) {
            both(g, " ELSE ");
            same(g, depth - 1);
        }
        both(g, " END");
        break;
    case 1: {
        gen_fn *base = any[below(g, 6)];
        both(g, "CASE ");
        base(g, depth - 1);
        both(g, " WHEN ");
        base(g, depth - 1);
        both(g, " THEN ");
        same(g, depth - 1);
        both(g, " ELSE ");
        same(g, depth - 1);
        both(g, " END");
        break;
    }
    case 2: call2(g, below(g, 2) ? "coalesce(" : "ifnull(", same, same, depth); break;
    case 3: call2(g, "nullif(", same, same, depth); break;
    case 4:
        both(g, "iif(");
        gen_bool(g, depth - 1);
        both(g, ", ");
        same(g, depth - 1);
        both(g, ", ");
        same(g, depth - 1);
        both(g, ")");
        break;
    default:
        both(g, "coalesce(");
        same(g, depth - 1);
        both(g, ", NULL, ");
        same(g, depth - 1);
        both(g, ")");
        break;
    }
}

static inline void int_leaf(struct gen *g)
{
    static const char *const leaves[] = {"i", "j", "i", "full", "7", "0", "-3", "1", "12", "0x1f"};
    both(g, PICK(&g->random, leaves));
}

static void gen_int(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 5) == 0) {
        int_leaf(g);
        return;
    }
    switch (below(g, 15)) {
    case 0: infix(g, gen_int, " + ", gen_int, depth); break;
    case 1: infix(g, gen_int, " - ", gen_int, depth); break;
    case 2:
        both(g, "(");
        int_leaf(g);
        both(g, " * ");
        int_leaf(g);
        both(g, ")");
        break;
    case 3: infix(g, gen_int, " / ", gen_int, depth); break;
    case 4: infix(g, gen_int, " % ", gen_int, depth); break;
    case 5: call1(g, "-(", gen_int, depth); break;
    case 6: call1(g, "abs(", gen_int, depth); break;
    case 7: call1(g, "length(", gen_text, depth); break;
    case 8: call2(g, "instr(", gen_text, gen_text, depth); break;
    case 9: call1(g, "sign(", below(g, 2) ? gen_real : gen_dec, depth); break;
    case 10:
        both(g, "CAST(");
        (below(g, 2) ? gen_text : gen_dec)(g, depth - 1);
        both(g, " AS INTEGER) % 1000");
        break;
    case 11: call2(g, below(g, 2) ? "max(" : "min(", gen_int, gen_int, depth); break;
    case 12: {
        static const char *const part[][2] = {
            {"year(", "CAST(strftime('%Y', "},    {"month(", "CAST(strftime('%m', "},
            {"day(", "CAST(strftime('%d', "},     {"hour(", "CAST(strftime('%H', "},
            {"weekday(", "CAST(strftime('%w', "}, {"minute(", "CAST(strftime('%M', "},
            {"second(", "CAST(strftime('%S', "},
        };
        const char *const *p = PICK(&g->random, part);
        both2(g, p[0], p[1]);
        (below(g, 2) ? gen_date : gen_time)(g, depth - 1);
        both2(g, ")", ") AS INTEGER)");
        break;
    }
    case 13: call1(g, "(0 + ", gen_bool, depth); break;
    default: gen_choice(g, gen_int, depth); break;
    }
}

static inline void real_leaf(struct gen *g)
{
    static const char *const leaves[] = {"x", "y", "x", "y", "2.5e0", "-1e0", "1e2", "0e0"};
    both(g, PICK(&g->random, leaves));
}

static inline void int_leaf_fn(struct gen *g, int depth)
{
    (void)depth;
    int_leaf(g);
}

static inline void real_leaf_fn(struct gen *g, int depth)
{
    (void)depth;
    real_leaf(g);
}

static void gen_real(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 5) == 0) {
        real_leaf(g);
        return;
    }
    switch (below(g, 17)) {
    case 0: infix(g, gen_real, " + ", gen_real, depth); break;
    case 1: infix(g, gen_real, " - ", gen_int, depth); break;
    case 2: infix(g, gen_int, " * ", gen_real, depth); break;
    case 3: infix(g, gen_real, " / ", gen_real, depth); break;
    case 4: infix(g, gen_dec, " / ", gen_int, depth); break;
    case 5: infix(g, gen_real, " % ", gen_int, depth); break;
    case 6: call1(g, "-(", gen_real, depth); break;
    case 7: call1(g, "abs(", gen_real, depth); break;
    case 8: call1(g, "round(", below(g, 2) ? gen_real : gen_int, depth); break;
    case 9:
        both(g, "round(");
        real_leaf(g);
        both(g, below(g, 2) ? ", 1)" : ", 2)");
        break;
    case 10: {
        static const char *const heads[] = {"exp(", "ln(", "sqrt(", "floor(", "ceil(", "trunc("};
        call1(g, PICK(&g->random, heads), gen_real, depth);
        break;
    }
    case 11: /* away from 0, whose sign decimals do not know */
        call2_nested(g, below(g, 2) ? "pow(1e0 + abs(" : "pow(-1e0 - abs(", gen_real, gen_real,
                     depth);
        break;
    case 12:
        both(g, "CAST(");
        (below(g, 2) ? gen_int : gen_dec)(g, depth - 1);
        both(g, " AS REAL)");
        break;
    case 13: call2(g, below(g, 2) ? "max(" : "min(", gen_real, gen_real, depth); break;
    case 14: infix(g, gen_dec, " * ", gen_real, depth); break;
    case 15: call2(g, "coalesce(", gen_real, gen_real, depth); break;
    default: gen_choice(g, gen_real, depth); break;
    }
}

static inline void dec_leaf(struct gen *g)
{
    static const char *const leaves[] = {"d", "e", "d", "0.25", "1.5", "-0.75", "10.0", ".125"};
    both(g, PICK(&g->random, leaves));
}

static void gen_dec(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 5) == 0) {
        dec_leaf(g);
        return;
    }
    switch (below(g, 11)) {
    case 0: infix(g, gen_dec, " + ", gen_dec, depth); break;
    case 1: infix(g, gen_dec, " - ", gen_dec, depth); break;
    case 2: infix(g, gen_int, " + ", gen_dec, depth); break;
    case 3:
        both(g, "(");
        dec_leaf(g);
        both(g, " * ");
        (below(g, 2) ? dec_leaf : int_leaf)(g);
        both(g, ")");
        break;
    case 4: call1(g, "-(", gen_dec, depth); break;
    case 5: call1(g, "abs(", gen_dec, depth); break;
    case 6: call1(g, "round(", gen_dec, depth); break;
    case 7: call1(g, below(g, 2) ? "floor(" : "ceil(", gen_dec, depth); break;
    case 8: call2(g, below(g, 2) ? "max(" : "min(", gen_dec, gen_dec, depth); break;
    case 9: call1(g, "trunc(", gen_dec, depth); break;
    default: gen_choice(g, gen_dec, depth); break;
    }
}

static void gen_text(struct gen *g, int depth)
{
    static const char *const leaves[] = {
        "s", "u", "s", "u", "'a'", "''", "'b''c'", "'caf\xc3\xa9'", "'xab'", "'12'"};
    if (depth <= 0 || below(g, 5) == 0) {
        both(g, PICK(&g->random, leaves));
        return;
    }
    switch (below(g, 12)) {
    case 0: infix(g, gen_text, " || ", gen_text, depth); break;
    case 1: call1(g, below(g, 2) ? "lower(" : "upper(", gen_text, depth); break;
    case 2: {
        static const char *const heads[] = {"trim(", "ltrim(", "rtrim("};
        call1(g, PICK(&g->random, heads), gen_text, depth);
        break;
    }
    case 3: {
        static const char *const heads[] = {"trim(", "ltrim(", "rtrim("};
        call2(g, PICK(&g->random, heads), gen_text, gen_text, depth);
        break;
    }
    case 4: call2(g, "substr(", gen_text, gen_int, depth); break;
    case 5: call1(g, "hex(", gen_text, depth); break;
    case 6:
        both(g, "substring(");
        gen_text(g, depth - 1);
        both(g, ", ");
        gen_int(g, depth - 1);
        both(g, ", ");
        gen_int(g, depth - 1);
        both(g, ")");
        break;
    case 7:
        both(g, "replace(");
        gen_text(g, depth - 1);
        both(g, ", ");
        gen_text(g, 0);
        both(g, ", ");
        both(g, below(g, 2) ? "'z'" : "''");
        both(g, ")");
        break;
    case 8: infix(g, gen_int, " || ", gen_text, depth); break;
    case 9:
        both(g, below(g, 2) ? "strftime('%Y-%m', " : "strftime('%d.%m.%Y %H:%M:%S %j %w %%', ");
        (below(g, 2) ? gen_date : gen_time)(g, depth - 1);
        both(g, ")");
        break;
    case 10: call2(g, below(g, 2) ? "max(" : "min(", gen_text, gen_text, depth); break;
    default: gen_choice(g, gen_text, depth); break;
    }
}

static inline void gen_comparison(struct gen *g, int depth)
{
    static const char *const ops[] = {" = ", " <> ", " < ", " <= ", " > ", " >= ", " == ", " != "};
    static gen_fn *const numbers[] = {gen_int, gen_real, gen_dec, gen_bool};
    static gen_fn *const others[] = {gen_text, gen_date, gen_time};
    const char *op = PICK(&g->random, ops);
    if (below(g, 3)) {
        infix(g, numbers[below(g, 4)], op, numbers[below(g, 4)], depth);
    } else {
        gen_fn *same = others[below(g, 3)];
        infix(g, same, op, same, depth);
    }
}

static inline void gen_in(struct gen *g, int depth)
{
    static gen_fn *const any[] = {gen_int, gen_real, gen_dec, gen_text, gen_date};
    gen_fn *same = any[below(g, 5)];
    bool constants = below(g, 2);
    uint32_t n = below(g, 8);
    call1(g, "(", same, depth);
    both(g, below(g, 2) ? " IN (" : " NOT IN (");
    for (uint32_t i = 0; i < n; i++) {
        both(g, i ? ", " : "");
        if (constants && same == gen_int) {
            char text[16];
            snprintf(text, sizeof text, "%d", (int)below(g, 30) - 15);
            both(g, text);
        } else if (constants && below(g, 8) == 0) {
            both(g, "NULL");
        } else {
            same(g, constants ? 0 : depth - 2);
        }
    }
    both(g, ")");
}

static inline void gen_like(struct gen *g, int depth)
{
    static const char *const patterns[] = {"%",
                                           "a%",
                                           "%c",
                                           "%b%",
                                           "a_c",
                                           "ABC",
                                           "_",
                                           "%\xc3\xa9",
                                           "a!%c' ESCAPE '!",
                                           "%%b",
                                           "%a%b%",
                                           "__%c",
                                           "!%' ESCAPE '!",
                                           "",
                                           "%!__' ESCAPE '!"};
    call1(g, "(", gen_text, depth);
    both(g, below(g, 2) ? " LIKE '" : " NOT LIKE '");
    both(g, PICK(&g->random, patterns));
    both(g, "'");
}

static inline void gen_glob(struct gen *g, int depth)
{
    static const char *const patterns[] = {"*",      "a*",   "*c",        "?",    "[a-c]*", "[^a]*",
                                           "*[xb]*", "[]]*", "*\xc3\xa9", "[*]*", "*[a-]*", "[a"};
    call1(g, "(", gen_text, depth);
    both(g, below(g, 2) ? " GLOB '" : " NOT GLOB '");
    both(g, PICK(&g->random, patterns));
    both(g, "'");
}

static void gen_bool(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 6) == 0) {
        static const char *const leaves[] = {"b", "b", "b", "TRUE", "FALSE", "x > y", "i = 3"};
        both(g, "(");
        both(g, PICK(&g->random, leaves));
        both(g, ")");
        return;
    }
    static gen_fn *const any[] = {gen_int,  gen_real, gen_dec, gen_text,
                                  gen_bool, gen_date, gen_time};
    gen_fn *same = any[below(g, 7)];
    both(g, "(");
    switch (below(g, 14)) {
    case 0: infix(g, gen_bool, " AND ", gen_bool, depth); break;
    case 1: infix(g, gen_bool, " OR ", gen_bool, depth); break;
    case 2: call1(g, "NOT (", gen_bool, depth); break;
    case 3:
        call1(g, "(", same, depth);
        both(g, below(g, 2) ? " IS NULL" : " IS NOT NULL");
        break;
    case 4:
        call1(g, "(", same, depth);
        call1(g, below(g, 2) ? " IS (" : " IS NOT (", same, depth);
        break;
    case 5:
        call1(g, "(", same, depth);
        call1(g, below(g, 2) ? " BETWEEN (" : " NOT BETWEEN (", same, depth);
        call1(g, " AND (", same, depth);
        break;
    case 6:
    case 7: gen_in(g, depth); break;
    case 8: gen_like(g, depth); break;
    case 9: gen_glob(g, depth); break;
    case 10: infix(g, gen_text, " LIKE ", gen_text, depth); break;
    case 11:
        call1(g, "(", below(g, 2) ? gen_bool : gen_real, depth);
        both(g, below(g, 2) ? " IS TRUE" : " IS NOT FALSE");
        break;
    default: gen_comparison(g, depth); break;
    }
    both(g, ")");
}

static void gen_date(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 3) == 0) {
        if (below(g, 3))
            both(g, "dt");
        else
            both2(g, "DATE '2001-02-28'", "'2001-02-28'");
        return;
    }
    switch (below(g, 6)) {
    case 0: call1(g, "date(", gen_time, depth); break;
    case 1:
        both2(g, "date_trunc('month', ", "date(");
        gen_date(g, depth - 1);
        both2(g, ")", ", 'start of month')");
        break;
    case 2:
        both2(g, "date_trunc('year', ", "date(");
        gen_date(g, depth - 1);
        both2(g, ")", ", 'start of year')");
        break;
    case 3: { /* days first for SQLite, which takes them as a modifier */
        char days[16];
        snprintf(days, sizeof days, "%d", (int)below(g, 2000));
        both2(g, "(", "date(");
        gen_date(g, depth - 1);
        both2(g, " + ", ", '+");
        both(g, days);
        both2(g, ")", " days')");
        break;
    }
    default: gen_choice(g, gen_date, depth); break;
    }
}

static void gen_time(struct gen *g, int depth)
{
    if (depth <= 0 || below(g, 3) == 0) {
        if (below(g, 3))
            both(g, "ts");
        else
            both2(g, "TIMESTAMP '2001-02-28 23:59:59'", "'2001-02-28 23:59:59'");
        return;
    }
    switch (below(g, 4)) {
    case 0: call1(g, "datetime(", gen_time, depth); break;
    case 1:
        both2(g, "date_trunc('day', ", "datetime(");
        gen_time(g, depth - 1);
        both2(g, ")", ", 'start of day')");
        break;
    case 2: call2(g, below(g, 2) ? "max(" : "min(", gen_time, gen_time, depth); break;
    default: gen_choice(g, gen_time, depth); break;
    }
}

static inline void gen_any(struct gen *g, int depth)
{
    static gen_fn *const any[] = {gen_int,  gen_real, gen_dec, gen_text,
                                  gen_bool, gen_date, gen_time};
    g->n_ours = g->n_theirs = 0;
    any[below(g, 7)](g, depth);
}

#endif
