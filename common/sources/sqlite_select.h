/* sqlite_select: what a SQLite source reads: a table or a query, and how it is cut.
 *
 * A row's position is its key (a rowid, or the declared key column) counted from the lowest key
 * or 0, whichever is lower; without keys it is the row's number. Packed, it is the source's
 * dialect. */
#ifndef QN_SOURCES_SQLITE_SELECT_H
#define QN_SOURCES_SQLITE_SELECT_H

#include "base/hash.h"
#include "sources/null_texts.h"

/* One of the source's files, as it was when the run was planned. */
struct qn_sqlite_file {
    struct qn_hash128 stamp;
    int64_t low;  /* position 0 */
    uint64_t end; /* behind the last row's position */
};

struct qn_sqlite_select {
    const char *table; /* NULL: a query */
    const char *query;
    const char *key;          /* "rowid", or a column; NULL: none, and one chunk a file */
    const char *const *names; /* of the columns, as the database has them */
    const struct qn_null_texts *nulls;
    uint32_t n;
    const struct qn_sqlite_file *files;
    uint32_t n_files;
};

void qn_sqlite_select_pack(struct qn_buf *out, const struct qn_sqlite_select *select);
/* Copies to the arena. Every value is checked: the bytes may come from a hostile peer. */
QN_CHECK qn_code qn_sqlite_select_unpack(struct qn_strv bytes, uint32_t n_columns,
                                         struct qn_arena *arena, struct qn_sqlite_select *out,
                                         struct qn_err *err);

/* An identifier in quotes. */
void qn_sqlite_select_quote(struct qn_buf *sql, const char *name);

/* SELECT key, wanted columns FROM ...: with a key, of keys from ?1 up to ?2, in their order. Ends
 * with NUL. wanted NULL: all. */
void qn_sqlite_select_sql(struct qn_buf *sql, const struct qn_sqlite_select *select,
                          const bool *wanted);

/* The table, or the query in brackets. */
void qn_sqlite_select_from(struct qn_buf *sql, const struct qn_sqlite_select *select);

/* Position of a key and back. */
static inline uint64_t qn_sqlite_position(const struct qn_sqlite_file *file, int64_t key)
{
    return (uint64_t)key - (uint64_t)file->low;
}

static inline int64_t qn_sqlite_key(const struct qn_sqlite_file *file, uint64_t position)
{
    return (int64_t)((uint64_t)file->low + position);
}

#endif
