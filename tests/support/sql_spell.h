/* What random queries leave to the engine that is asked, between two '@' and parted by '~': tables,
 * integer division, LIKE without case, dates, set operations within others.
 * tests/parity/query_parity.py spells them, too. */
#ifndef QN_TESTS_SUPPORT_SQL_SPELL_H
#define QN_TESTS_SUPPORT_SQL_SPELL_H

#include <string.h>

#include "base/buf.h"

struct sql_spelling {
    const char *name;           /* up to its first argument, '~' with it */
    const char *quern, *sqlite; /* $1 and $2 are its arguments */
};

static const struct sql_spelling sql_spellings[] = {
    {"/", "/", "/"},
    {"like", "LIKE", "LIKE"},
    {"year~", "year($1)", "CAST(strftime('%Y', $1) AS integer)"},
    {"month~", "month($1)", "CAST(strftime('%m', $1) AS integer)"},
    {"day~", "extract(day FROM $1)", "CAST(strftime('%d', $1) AS integer)"},
    {"days~", "($1 - $2)", "CAST(julianday($1) - julianday($2) AS integer)"},
    {"plus~", "($1 + $2)", "date($1, '+$2 days')"},
    {"date~", "DATE '$1'", "'$1'"},
    {"(", "(", "SELECT * FROM ("},
    {")", ")", ")"},
    {"side", "", "SELECT * FROM ("},
    {"end", "", ")"},
    {"counted", "",
     "SELECT c1, c2 FROM (SELECT c1, c2, row_number() OVER (PARTITION BY c1, c2) FROM ("},
    {"intersect_all", "INTERSECT ALL",
     ") INTERSECT SELECT c1, c2, row_number() OVER (PARTITION BY c1, c2) FROM ("},
    {"except_all", "EXCEPT ALL",
     ") EXCEPT SELECT c1, c2, row_number() OVER (PARTITION BY c1, c2) FROM ("},
    {"counted_end", "", "))"},
    {"keep", "", "SELECT c1, c2 FROM ("},
    {"kept~", "", ", $1 AS kept"},
    {"qualify~", " QUALIFY $1", ") WHERE kept"},
    {"first~", "SELECT DISTINCT ON ($1)",
     "SELECT c1, c2 FROM (SELECT row_number() OVER (PARTITION BY $1 ORDER BY $2) AS number, "},
    {"ordered~", " ORDER BY $1", ") WHERE number = 1"},
    {"all~", "ALL", "$1"},
};

static inline void sql_put_spelling(const char *spelling, const char *args, size_t n_args,
                                    struct qn_buf *out)
{
    const char *second = memchr(args, '~', n_args);
    size_t n_first = second ? (size_t)(second - args) : n_args;
    for (; *spelling; spelling++) {
        if (*spelling != '$')
            qn_buf_put_u8(out, (uint8_t)*spelling);
        else if (*++spelling == '1')
            qn_buf_put(out, args, n_first);
        else
            qn_buf_put(out, second + 1, n_args - n_first - 1);
    }
}

/* The query as Quern reads it, its tables as `table` has it with NAME in it ('NAME.csv'), or as
 * SQLite does (NULL), with a zero at its end. */
static inline void sql_spell(const char *query, const char *table, struct qn_buf *out)
{
    for (const char *at = query; *at; at++) {
        const char *end = *at == '@' ? strchr(at + 1, '@') : NULL;
        size_t n = end ? (size_t)(end - at) - 1 : 0;
        if (!end) {
            qn_buf_put_u8(out, (uint8_t)*at);
            continue;
        }
        at++;
        for (size_t i = 0; i < sizeof sql_spellings / sizeof sql_spellings[0]; i++) {
            const struct sql_spelling *spelling = &sql_spellings[i];
            size_t len = strlen(spelling->name);
            bool whole = spelling->name[len - 1] == '~' || n == len;
            if (whole && n >= len && memcmp(at, spelling->name, len) == 0)
                sql_put_spelling(table ? spelling->quern : spelling->sqlite, at + len, n - len,
                                 out);
        }
        if (*at == 't') {
            const char *name = table ? strstr(table, "NAME") : NULL;
            qn_buf_printf(out, "%.*s%.*s%s", name ? (int)(name - table) : 0, table ? table : "",
                          (int)n, at, name ? name + 4 : "");
        }
        at = end;
    }
    qn_buf_put_u8(out, 0);
}

#endif
