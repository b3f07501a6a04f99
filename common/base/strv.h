/* strv: a borrowed run of bytes. Never owns, need not end in NUL. */
#ifndef QN_BASE_STRV_H
#define QN_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct qn_strv {
    const char *data; /* may be NULL when len is 0 */
    size_t len;       /* bytes */
};

/* For printf("%.*s", QN_STRV_ARG(s)). */
#define QN_STRV_ARG(s) (int)(s).len, (s).data ? (s).data : ""
#define QN_STRV_LIT(literal) ((struct qn_strv){(literal), sizeof(literal) - 1})

static inline struct qn_strv qn_strv_from(const char *text)
{
    return (struct qn_strv){text, text ? strlen(text) : 0};
}

static inline bool qn_strv_eq(struct qn_strv a, struct qn_strv b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool qn_strv_is(struct qn_strv a, const char *text)
{
    return qn_strv_eq(a, qn_strv_from(text));
}

/* Bytewise order, shorter first on a tie: SQLite's BINARY collation. */
int qn_strv_cmp(struct qn_strv a, struct qn_strv b);

/* ASCII letters compare without case. */
bool qn_strv_eq_nocase(struct qn_strv a, struct qn_strv b);

/* Without blanks, tabs and line ends on either side. */
struct qn_strv qn_strv_trim(struct qn_strv s);

/* A valid name for tables, columns, jobs and models: [A-Za-z_][A-Za-z0-9_]{0,62}. */
bool qn_strv_is_identifier(struct qn_strv s);

/* Whole decimal text to an integer; false on anything else, or overflow. */
bool qn_strv_to_i64(struct qn_strv s, int64_t *out);

/* Single-byte edits between two texts, at most `limit` + 1 (capped for "did you mean"). */
unsigned qn_strv_distance(struct qn_strv a, struct qn_strv b, unsigned limit);

/* The closest of `n` candidates, or NULL when none is close enough to be a likely typo. */
const char *qn_strv_closest(struct qn_strv word, const char *const *candidates, size_t n);

/* True when all bytes form valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool qn_utf8_valid(struct qn_strv s);

/* Length of the valid UTF-8 at the start. */
size_t qn_utf8_prefix(struct qn_strv s);

/* memcpy for texts, most of which are short: loads that overlap instead of a call. */
static inline void qn_copy_text(char *to, const char *from, size_t n)
{
    uint64_t first, last;
    uint32_t first4, last4;
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        memcpy(&first, from, 8);
        memcpy(&last, from + n - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + n - 8, &last, 8);
    } else if (n >= 4) {
        memcpy(&first4, from, 4);
        memcpy(&last4, from + n - 4, 4);
        memcpy(to, &first4, 4);
        memcpy(to + n - 4, &last4, 4);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

#endif
