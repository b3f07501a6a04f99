/* Random calls of every function and operator over columns of edge values: integers at both ends of
 * their range, texts that are nearly numbers, doubles of every size. Where we document NULL for an
 * overflow, SQLite's side says fits(...), a function the test gives it. */
#ifndef QN_TESTS_CONFORMANCE_EXPR_WIDE_H
#define QN_TESTS_CONFORMANCE_EXPR_WIDE_H

#include "tests/conformance/expr_random.h"

/* Any integer. */
static inline void gen_wide_int(struct gen *g, int depth)
{
    static const char *const leaves[] = {
        "big", "big", "i",   "full", "9223372036854775807", "-9223372036854775808",
        "0",   "-1",  "NULL"};
    static const char *const ops[] = {" + ", " - ", " * ", " / ", " % "};
    static const char *const bits[] = {" & ", " | ", " << ", " >> "};
    if (depth <= 0 || below(g, 4) == 0) {
        both(g, PICK(&g->random, leaves));
        return;
    }
    switch (below(g, 6)) {
    case 0:
    case 1:
        both2(g, "(", "fits(");
        infix(g, gen_wide_int, PICK(&g->random, ops), gen_wide_int, depth);
        both(g, ")");
        break;
    case 2: infix(g, gen_wide_int, PICK(&g->random, bits), gen_wide_int, depth); break;
    case 3:
        both2(g, "-(", "fits(-(");
        gen_wide_int(g, depth - 1);
        both2(g, ")", "))");
        break;
    case 4:
        both2(g, "abs(", "abs(nullif(");
        gen_wide_int(g, depth - 1);
        both2(g, ")", ", -9223372036854775808))");
        break;
    default: call1(g, "~(", gen_wide_int, depth); break;
    }
}

static inline void gen_any_text(struct gen *g, int depth)
{
    static gen_fn *const any[] = {gen_text, gen_text, gen_int, gen_real, gen_date, gen_time};
    any[below(g, 6)](g, depth);
}

/* f(x) of doubles. */
static inline void gen_math(struct gen *g, int depth)
{
    static const char *const one[] = {"acos(",    "asin(",    "atan(",  "cos(",  "sin(",  "tan(",
                                      "acosh(",   "asinh(",   "atanh(", "cosh(", "sinh(", "tanh(",
                                      "degrees(", "radians(", "exp(",   "ln(",   "sqrt(", "floor(",
                                      "ceil(",    "ceiling(", "trunc(", "sign(", "abs(",  "round("};
    static const char *const two[] = {"pow(", "power(", "mod(", "atan2("};
    switch (below(g, 6)) {
    case 0: call2(g, PICK(&g->random, two), real_leaf_fn, real_leaf_fn, depth); break;
    case 1: call2(g, PICK(&g->random, two), int_leaf_fn, int_leaf_fn, depth); break;
    case 2:
        both(g, "pi() * ");
        real_leaf(g);
        break;
    case 3: call1(g, PICK(&g->random, one), gen_real, depth > 2 ? 2 : depth); break;
    default: call1(g, PICK(&g->random, one), below(g, 2) ? real_leaf_fn : int_leaf_fn, 1); break;
    }
}

/* Numbers from the start of texts, and doubles cut to integers. */
static inline void gen_numbers_of_text(struct gen *g, int depth)
{
    both(g, "CAST(");
    if (below(g, 3)) {
        gen_text(g, depth > 2 ? 2 : depth);
        both(g, below(g, 2) ? " AS INTEGER)" : " AS REAL)");
    } else {
        gen_real(g, depth - 1);
        both(g, " AS INTEGER)");
    }
}

/* Texts of everything. */
static inline void gen_wide_text(struct gen *g, int depth)
{
    switch (below(g, 9)) {
    case 0: infix(g, gen_any_text, " || ", gen_any_text, depth); break;
    case 1:
        both(g, "CAST(");
        gen_any_text(g, depth - 1);
        both(g, " AS TEXT)");
        break;
    case 2: call1(g, below(g, 2) ? "hex(" : "upper(", gen_any_text, depth); break;
    case 3: call1(g, "typeof(", below(g, 2) ? gen_text : gen_wide_int, depth); break;
    case 4:
        both(g, "char(abs(full) + ");
        both(g, below(g, 2) ? "65" : "8364, 233");
        both(g, ")");
        break;
    case 5:
        both2(g, "left(s, ", "substr(s, 1, max(0, ");
        gen_int(g, 1);
        both2(g, ")", "))");
        break;
    case 6:
        both2(g, "right(s, full)",
              "CASE WHEN full <= 0 THEN substr(s, 1, 0) "
              "WHEN full >= length(s) THEN s ELSE substr(s, -full) END");
        break;
    case 7: {
        both2(g, "concat(s, ", "coalesce(s, '') || coalesce(");
        gen_any_text(g, depth - 1);
        both2(g, ", u)", ", '') || coalesce(u, '')");
        break;
    }
    default:
        both2(g, "concat_ws('-', s, full, u)",
              "coalesce(s || '-', '') || full || coalesce('-' || u, '')");
        break;
    }
}

/* "date(x" and up to two modifiers. */
static inline void gen_moved(struct gen *g, const char *head, int depth)
{
    static const char *const modifiers[] = {"'+1 day'",
                                            "'-40 days'",
                                            "'+1 month'",
                                            "'-13 months'",
                                            "'+1.5 years'",
                                            "'-5 hours'",
                                            "'+90 minutes'",
                                            "'-0.25 seconds'",
                                            "'start of day'",
                                            "'start of month'",
                                            "'start of year'",
                                            "'weekday 0'",
                                            "'weekday 4'",
                                            "i || ' days'",
                                            "'+7 DAYS'",
                                            "'-' || abs(j) || ' months'",
                                            "s"};
    both(g, head);
    (below(g, 2) ? gen_date : gen_time)(g, depth > 2 ? 2 : depth);
    for (uint32_t n = below(g, 3); n > 0; n--) {
        both(g, ", ");
        both(g, PICK(&g->random, modifiers));
    }
    both(g, ")");
}

static inline void gen_calendar(struct gen *g, int depth)
{
    static const char *const heads[] = {
        "date(",      "datetime(",  "time(",
        "julianday(", "unixepoch(", "strftime('%Y-%m-%d %H:%M:%f %j %J %s %w %W', "};
    static const char *const parts[][2] = {
        {"date_part('year', ", "'%Y'"}, {"extract(month FROM ", "'%m'"},
        {"extract(doy FROM ", "'%j'"},  {"date_part('dow', ", "'%w'"},
        {"dayofyear(", "'%j'"},         {"date_part('epoch', ", "'%s'"},
        {"extract(hour FROM ", "'%H'"}, {"extract(second FROM ", "'%S'"}};
    if (below(g, 2)) {
        gen_moved(g, PICK(&g->random, heads), depth);
        return;
    }
    switch (below(g, 4)) {
    case 0: both(g, "datetime(full * 86401 + 1700000000, 'unixepoch')"); break;
    case 1:
        both2(g, "quarter(", "(2 + strftime('%m', ");
        (below(g, 2) ? gen_date : gen_time)(g, 1);
        both2(g, ")", ")) / 3");
        break;
    case 2:
        both2(g, "date_diff('day', DATE '2001-02-28', ", "CAST(-2451968.5 + julianday(date(");
        (below(g, 2) ? gen_date : gen_time)(g, 1);
        both2(g, ")", ")) AS INTEGER)");
        break;
    default: {
        const char *const *p = PICK(&g->random, parts);
        char theirs[64];
        snprintf(theirs, sizeof theirs, "CAST(strftime(%s, ", p[1]);
        both2(g, p[0], theirs);
        (below(g, 2) ? gen_date : gen_time)(g, depth > 2 ? 2 : depth);
        both2(g, ")", ") AS INTEGER)");
        break;
    }
    }
}

/* Comparisons over the whole range, IN and BETWEEN with NULLs, and logic over them. */
static inline void gen_wide_bool(struct gen *g, int depth)
{
    static const char *const ops[] = {
        " = ", " <> ", " < ", " <= ", " > ", " >= ", " IS ", " IS NOT "};
    static gen_fn *const sides[] = {gen_wide_int, gen_real, gen_numbers_of_text, gen_dec};
    static const char *const texts[] = {"'3'", "' -1 '", "'2.5'", "'1e1'", "'9223372036854775807'"};
    switch (below(g, 7)) {
    case 0:
    case 1: infix(g, sides[below(g, 4)], PICK(&g->random, ops), sides[below(g, 4)], depth); break;
    case 2:
        call1(g, "(", gen_wide_int, depth);
        both(g, below(g, 2) ? " IN (NULL, 9223372036854775807, -1, big, 3e0)"
                            : " NOT IN (9223372036854775807, 9007199254740993, 0, 1, 2, 3, 255)");
        break;
    case 3:
        call1(g, "(", gen_wide_int, depth);
        both(g, below(g, 2) ? " BETWEEN NULL AND big" : " NOT BETWEEN i AND NULL");
        break;
    case 4:
        both(g, below(g, 2) ? "i" : "x");
        both(g, PICK(&g->random, ops));
        both(g, PICK(&g->random, texts));
        break;
    case 5: infix(g, gen_wide_bool, below(g, 2) ? " AND " : " OR ", gen_wide_bool, depth); break;
    default:
        call1(g, "(", gen_any_text, depth);
        both(g, below(g, 2) ? " LIKE '%' || u || '%'" : " NOT GLOB '*' || u || '*'");
        break;
    }
}

/* What gen_any leaves out. */
static inline void gen_rest(struct gen *g, int depth)
{
    switch (below(g, 10)) {
    case 0: both(g, below(g, 2) ? "unicode(s || u)" : "unicode(u)"); break;
    case 1: both(g, below(g, 2) ? "log10(8)" : "log2(8)"); break;
    case 2: both2(g, "log(x)", "log10(x)"); break;
    case 3: both(g, "log(full * full, x)"); break;
    case 4: call1(g, "round(", gen_real, 1); break;
    case 5:
        both(g, "round(");
        real_leaf(g);
        both(g, ", full / 3)");
        break;
    case 6:
        both2(g, "date_trunc('quarter', dt)",
              "date(dt, 'start of month', '-' || ((strftime('%m', dt) - 1) % 3) || ' months')");
        break;
    default: call1(g, "typeof(", gen_real, depth); break;
    }
}

static inline void gen_wide(struct gen *g, int depth)
{
    static gen_fn *const any[] = {gen_wide_int,  gen_math,     gen_numbers_of_text,
                                  gen_wide_text, gen_calendar, gen_wide_bool,
                                  gen_rest};
    g->n_ours = g->n_theirs = 0;
    any[below(g, 7)](g, depth);
}

#endif
