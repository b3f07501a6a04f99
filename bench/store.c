/* What the warehouse costs: opening and a tiny run, and rows per second of a bulk load, by the way
 * SQLite keeps its journal. docs/adr/warehouse-journal-mode.md draws on it.
 *
 *     bench.store [FOLDER]       the warehouse is made there; default /tmp
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "coordinator/store.h"
#include "sinks/sqlite_db.h"

enum { ROUNDS = 15, CHUNK_BATCHES = 15, MAX_COLUMNS = 40 };

static char path[400];

static void check(qn_code code, const struct qn_err *err)
{
    if (code == QN_OK)
        return;
    char text[1024];
    qn_err_format(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static void remove_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char name[440];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static double since_ms(int64_t *start_us)
{
    int64_t now = qn_clock_us();
    double ms = (double)(now - *start_us) / 1000.0;
    *start_us = now;
    return ms;
}

/* --- batches ---------------------------------------------------------------------------------- */

/* A third each of integers, doubles and short texts. */
static struct qn_batch_builder *make_batch(uint32_t columns, uint32_t rows, struct qn_field *fields,
                                           struct qn_schema *schema, struct qn_batch *batch)
{
    static char names[MAX_COLUMNS][8];
    struct qn_err err = {0};
    for (uint32_t i = 0; i < columns; i++) {
        snprintf(names[i], sizeof names[i], "c%u", i);
        uint8_t id = i % 3 == 0 ? QN_INT64 : i % 3 == 1 ? QN_DOUBLE : QN_TEXT;
        fields[i] = (struct qn_field){names[i], {.id = id}};
    }
    *schema = (struct qn_schema){fields, columns};
    struct qn_batch_builder *builder = NULL;
    check(qn_builder_new(schema, &builder, &err), &err);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < columns; i++) {
            uint64_t h = qn_mix64((uint64_t)row * MAX_COLUMNS + i);
            if (i % 3 == 0)
                qn_builder_i64(builder, i, (int64_t)(h >> 40));
            else if (i % 3 == 1)
                qn_builder_f64(builder, i, (double)(h >> 11) * 0x1p-53);
            else
                qn_builder_text(builder, i, (struct qn_strv){"Month-to-month", 4 + h % 10});
        }
        check(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, batch);
    return builder;
}

/* --- a tiny run ------------------------------------------------------------------------------- */

static void tiny_run(void)
{
    enum { OPEN, BEGIN, CHUNK, PUBLISH, CLOSE, STEPS };
    static const char *const names[] = {"open and create", "run begins", "one chunk of 1000 rows",
                                        "publish and finish", "close"};
    static double ms[STEPS][ROUNDS];
    struct qn_field fields[MAX_COLUMNS];
    struct qn_schema schema;
    struct qn_batch batch;
    struct qn_err err = {0};
    struct qn_batch_builder *builder = make_batch(12, 1000, fields, &schema, &batch);
    const struct qn_sink_ops *ops = qn_sink_find("sqlite");
    for (int round = 0; round < ROUNDS; round++) {
        struct qn_store *store;
        struct qn_sink *sink;
        struct qn_store_run run = {
            .run_id = "r", .spec_name = "s", .spec_sha256 = "h", .engine_version = "v"};
        struct qn_ledger_row row = {.run_id = "r", .job = "j"};
        remove_files();
        int64_t start = qn_clock_us();
        check(qn_store_open(path, &store, &err), &err);
        ms[OPEN][round] = since_ms(&start);
        check(qn_store_begin(store, &err), &err);
        check(qn_store_run_begin(store, &run, &err), &err);
        check(ops->prepare(qn_store_connection(store), "t", &schema, QN_WRITE_REPLACE, &sink, &err),
              &err);
        check(qn_store_commit(store, &err), &err);
        ms[BEGIN][round] = since_ms(&start);
        check(qn_store_begin(store, &err), &err);
        check(qn_store_ledger_put(store, &row, &err), &err);
        check(ops->write(sink, &batch, &err), &err);
        check(qn_store_commit(store, &err), &err);
        ms[CHUNK][round] = since_ms(&start);
        check(qn_store_begin(store, &err), &err);
        check(ops->publish(sink, &err), &err);
        check(qn_store_run_finish(store, "r", "success", &err), &err);
        check(qn_store_commit(store, &err), &err);
        ops->close(sink);
        ms[PUBLISH][round] = since_ms(&start);
        qn_store_close(store);
        ms[CLOSE][round] = since_ms(&start);
    }
    double total = 0;
    printf("a tiny run (median of %d):\n", ROUNDS);
    for (int i = 0; i < STEPS; i++) {
        double m = median(ms[i]);
        total += m;
        printf("  %-24s %6.2f ms\n", names[i], m);
    }
    printf("  %-24s %6.2f ms\n", "in all", total);
    qn_builder_free(builder);
}

/* --- journal modes ---------------------------------------------------------------------------- */

struct mode {
    const char *name, *pragmas;
};
static const struct mode modes[] = {
    {"wal, full", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"},
    {"delete, extra", "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;"},
    {"truncate, full", "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;"},
    {"persist, full", "PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL;"},
};
enum { MODES = sizeof modes / sizeof modes[0] };

static sqlite3 *open_mode(const struct mode *mode)
{
    struct qn_err err = {0};
    sqlite3 *db;
    char sql[300];
    remove_files();
    check(
        qn_sqlite_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, 1000, "bench", &db, &err),
        &err);
    snprintf(sql, sizeof sql, "PRAGMA page_size = %d; PRAGMA cache_size = -32768; %s",
             QN_SQLITE_PAGE_BYTES, mode->pragmas);
    check(qn_sqlite_exec(db, sql, "set up", &err), &err);
    return db;
}

/* Opening, 13 tables in one transaction, ten commits of a row, closing. */
static void small_commits(const struct mode *mode)
{
    static double open[ROUNDS], commit[ROUNDS], all[ROUNDS];
    struct qn_err err = {0};
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = qn_clock_us(), begin = start;
        sqlite3 *db = open_mode(mode);
        check(qn_sqlite_exec(db, "BEGIN IMMEDIATE", "begin", &err), &err);
        for (int i = 0; i < 13; i++) {
            char sql[100];
            snprintf(sql, sizeof sql, "CREATE TABLE t%d(a TEXT PRIMARY KEY, b, c, d, e)", i);
            check(qn_sqlite_exec(db, sql, "create", &err), &err);
        }
        check(qn_sqlite_exec(db, "COMMIT", "commit", &err), &err);
        open[round] = since_ms(&start);
        for (int i = 0; i < 10; i++)
            check(qn_sqlite_exec(db,
                                 "BEGIN IMMEDIATE; INSERT INTO t1 VALUES(random(), 1, 2, 3, 4); "
                                 "COMMIT",
                                 "insert", &err),
                  &err);
        commit[round] = since_ms(&start) / 10;
        sqlite3_close(db);
        all[round] = since_ms(&begin);
    }
    printf("  %-16s open and create %5.2f ms, a commit %5.2f ms, ten and closing %6.2f ms\n",
           mode->name, median(open), median(commit), median(all));
}

static void bulk_load(const struct mode *mode, uint32_t columns, uint32_t rows)
{
    struct qn_field fields[MAX_COLUMNS];
    struct qn_schema schema;
    struct qn_batch batch;
    struct qn_err err = {0};
    struct qn_sink *sink;
    const struct qn_sink_ops *ops = qn_sink_find("sqlite");
    struct qn_batch_builder *builder = make_batch(columns, QN_BATCH_ROWS, fields, &schema, &batch);
    double best = 1e9;
    for (int round = 0; round < 3; round++) {
        sqlite3 *db = open_mode(mode);
        check(ops->prepare(db, "t", &schema, QN_WRITE_REPLACE, &sink, &err), &err);
        int64_t start = qn_clock_us();
        for (uint32_t done = 0; done < rows;) {
            check(qn_sqlite_exec(db, "BEGIN IMMEDIATE", "begin", &err), &err);
            for (int i = 0; i < CHUNK_BATCHES && done < rows; i++, done += QN_BATCH_ROWS)
                check(ops->write(sink, &batch, &err), &err);
            check(qn_sqlite_exec(db, "COMMIT", "commit", &err), &err);
        }
        check(ops->publish(sink, &err), &err);
        ops->close(sink);
        sqlite3_close(db);
        double ms = since_ms(&start);
        best = ms < best ? ms : best;
    }
    printf("  %-16s %2u columns x %u rows: %6.0f ms, %.2f M rows/s\n", mode->name, columns, rows,
           best, rows / best / 1000.0);
    qn_builder_free(builder);
}

int main(int argc, char **argv)
{
    snprintf(path, sizeof path, "%s/quern-bench-%d.db", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    printf("SQLite %s, pages of %d bytes, %ld cores\n", sqlite3_libversion(), QN_SQLITE_PAGE_BYTES,
           sysconf(_SC_NPROCESSORS_ONLN));
    tiny_run();
    printf("small commits (median of %d):\n", ROUNDS);
    for (int i = 0; i < MODES; i++)
        small_commits(&modes[i]);
    printf("bulk load through the sink, a commit every %d rows (best of 3):\n",
           CHUNK_BATCHES * QN_BATCH_ROWS);
    for (int i = 0; i < MODES; i++)
        bulk_load(&modes[i], 12, 1000000);
    bulk_load(&modes[0], 1, 4000000);
    bulk_load(&modes[0], 4, 2000000);
    bulk_load(&modes[0], 40, 300000);
    remove_files();
    return 0;
}
