/* The ledger: which chunks are committed, in the transaction that holds their rows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/store_internal.h"

/* --- writing ---------------------------------------------------------------------------------- */

static void bind_counters(struct qn_sqlite_args *args, const struct qn_counters *counters)
{
    qn_sqlite_u64(args, counters->rows_in);
    qn_sqlite_u64(args, counters->rows_out);
    qn_sqlite_u64(args, counters->quarantined);
    qn_sqlite_u64(args, counters->filtered);
    qn_sqlite_u64(args, counters->deduplicated);
    qn_sqlite_u64(args, counters->added);
    qn_sqlite_u64(args, counters->absorbed);
}

static void bind_chunk(struct qn_sqlite_args *args, const struct qn_chunk_result *chunk)
{
    qn_sqlite_u64(args, chunk->first_start);
    qn_sqlite_u64(args, chunk->next_start);
    qn_sqlite_u64(args, chunk->lines);
    qn_sqlite_u64(args, chunk->records);
    qn_sqlite_u64(args, chunk->skipped);
}

qn_code qn_store_ledger_put(struct qn_store *store, const struct qn_ledger_row *row,
                            struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_commits VALUES"
                              "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";
    static const char doing[] = "write the ledger";
    char digest[33];
    snprintf(digest, sizeof digest, "%016" PRIx64 "%016" PRIx64, row->digest.high, row->digest.low);
    QN_TRY(qn_store_inside(store, doing, err));
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, row->run_id);
    qn_sqlite_text(&args, row->job);
    qn_sqlite_u64(&args, row->stage);
    qn_sqlite_u64(&args, row->round);
    qn_sqlite_u64(&args, row->unit);
    qn_sqlite_u64(&args, row->attempt);
    qn_sqlite_u64(&args, row->rows);
    qn_sqlite_text(&args, digest);
    qn_sqlite_u64(&args, row->part_bytes);
    bind_counters(&args, &row->counters);
    bind_chunk(&args, &row->chunk);
    QN_TRY(qn_sqlite_run(&args, doing, err));
    if (sqlite3_changes(store->db) == 1)
        return QN_OK;
    return qn_err_set(err, QN_EEXISTS, QN_BLAME_NONE,
                      "chunk %u of job %s (stage %u, round %u) is committed already", row->unit,
                      row->job, row->stage, row->round);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Rows of a failed job are gone from its staging table (see restart_failed in store_runs.c). */
#define NOT_FAILED                                                                                 \
    "AND NOT EXISTS (SELECT 1 FROM _quern_jobs AS j WHERE j.run_id = ?1 AND j.job = c.job "        \
    "AND j.status = 'failed') "

static uint64_t take_u64(sqlite3_stmt *stmt, int *column)
{
    return (uint64_t)sqlite3_column_int64(stmt, (*column)++);
}

/* The file may have been edited by hand: a value that fits no field is an error, not a cast. */
static bool take_u32(sqlite3_stmt *stmt, int *column, uint32_t *out)
{
    uint64_t value = take_u64(stmt, column);
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool take_digest(sqlite3_stmt *stmt, int *column, struct qn_hash128 *out)
{
    struct qn_strv text = qn_sqlite_column_strv(stmt, (*column)++);
    int used = 0;
    return text.len == 32 && strspn(text.data, "0123456789abcdef") == 32 &&
           sscanf(text.data, "%16" SCNx64 "%16" SCNx64 "%n", &out->high, &out->low, &used) == 2 &&
           used == 32;
}

static bool take_row(sqlite3_stmt *stmt, struct qn_ledger_row *row)
{
    int column = 1;
    bool good = take_u32(stmt, &column, &row->stage) && take_u32(stmt, &column, &row->round) &&
                take_u32(stmt, &column, &row->unit) && take_u32(stmt, &column, &row->attempt);
    row->rows = take_u64(stmt, &column);
    good = good && take_digest(stmt, &column, &row->digest);
    row->part_bytes = take_u64(stmt, &column);
    row->counters = (struct qn_counters){.rows_in = take_u64(stmt, &column)};
    row->counters.rows_out = take_u64(stmt, &column);
    row->counters.quarantined = take_u64(stmt, &column);
    row->counters.filtered = take_u64(stmt, &column);
    row->counters.deduplicated = take_u64(stmt, &column);
    row->counters.added = take_u64(stmt, &column);
    row->counters.absorbed = take_u64(stmt, &column);
    row->chunk = (struct qn_chunk_result){.first_start = take_u64(stmt, &column)};
    row->chunk.next_start = take_u64(stmt, &column);
    row->chunk.lines = take_u64(stmt, &column);
    row->chunk.records = take_u64(stmt, &column);
    row->chunk.skipped = take_u64(stmt, &column);
    return good;
}

static qn_code count_rows(struct qn_store *store, const char *run_id, uint32_t *n,
                          struct qn_err *err)
{
    static const char sql[] =
        "SELECT count(*) FROM _quern_commits AS c WHERE run_id = ?1 " NOT_FAILED;
    static const char doing[] = "read the ledger";
    struct qn_sqlite_args args;
    bool row;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    QN_TRY(qn_sqlite_next(&args, &row, doing, err));
    int64_t count = row ? sqlite3_column_int64(args.stmt, 0) : 0;
    if (row)
        qn_sqlite_rewind(&args);
    if (count > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_COORDINATOR,
                          "run %s has %" PRId64 " rows in the ledger", run_id, count);
    *n = (uint32_t)count;
    return QN_OK;
}

static qn_code read_rows(struct qn_sqlite_args *args, const char *run_id, struct qn_arena *arena,
                         struct qn_ledger_row *rows, uint32_t capacity, uint32_t *n,
                         struct qn_err *err)
{
    static const char doing[] = "read the ledger";
    const char *run = qn_arena_strdup(arena, qn_strv_from(run_id));
    const char *job = "";
    if (!run)
        return qn_err_nomem(err, "the ledger");
    for (*n = 0; *n < capacity; ++*n) {
        bool more;
        QN_TRY(qn_sqlite_next(args, &more, doing, err));
        if (!more)
            return QN_OK;
        struct qn_ledger_row *row = &rows[*n];
        struct qn_strv name = qn_sqlite_column_strv(args->stmt, 0);
        if (!qn_strv_is(name, job))
            job = qn_arena_strdup(arena, name);
        if (!job)
            return qn_err_nomem(err, "the ledger");
        row->run_id = run;
        row->job = job;
        if (!take_row(args->stmt, row))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_COORDINATOR,
                              "the ledger holds a row of job %s that this engine did not write",
                              job);
    }
    return QN_OK;
}

qn_code qn_store_ledger_read(struct qn_store *store, const char *run_id, struct qn_arena *arena,
                             struct qn_ledger_row **rows, uint32_t *n, struct qn_err *err)
{
    static const char sql[] =
        "SELECT job, stage, round, chunk, attempt, rows, digest, part_bytes, rows_in, rows_out, "
        "rows_quarantined, rows_filtered, rows_deduplicated, rows_added, rows_absorbed, "
        "first_start, next_start, lines, records, skipped "
        "FROM _quern_commits AS c WHERE run_id = ?1 " NOT_FAILED
        "ORDER BY job, stage, round, chunk";
    uint32_t count = 0;
    QN_TRY(count_rows(store, run_id, &count, err));
    *n = 0;
    *rows = QN_NEW_ARRAY(arena, struct qn_ledger_row, (size_t)count + 1);
    if (!*rows)
        return qn_err_nomem(err, "the ledger");
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, "read the ledger", &args, err));
    qn_sqlite_text(&args, run_id);
    qn_code code = read_rows(&args, run_id, arena, *rows, count, n, err);
    qn_sqlite_rewind(&args);
    return code;
}
