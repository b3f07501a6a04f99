/* What the warehouse costs: opening and a tiny run, and rows per second of a bulk load, by route,
 * by size of a page and by the way SQLite keeps its journal. docs/adr/0002 and 0003 draw on it.
 *
 *     bench.store [FOLDER]       the warehouse is made there; default /tmp
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/check.h"
#include "coordinator/store.h"
#include "sinks/sqlite_db.h"
#include "sinks/sqlite_image.h"

enum { ROUNDS = 15, CHUNK_BATCHES = 15, MAX_COLUMNS = 40 };

static char path[400];
static int page_bytes = QN_SQLITE_PAGE_BYTES;

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
        check(qn_store_run_begin(store, &run, &err), &err);
        check(ops->prepare(qn_store_connection(store), "t", &schema, QN_WRITE_REPLACE, &sink, &err),
              &err);
        check(qn_store_commit(store, &err), &err);
        ms[BEGIN][round] = since_ms(&start);
        check(qn_store_begin(store, &err), &err);
        check(qn_store_ledger_put(store, &row, &err), &err);
        check(ops->write(sink, &batch, &err), &err);
        check(ops->flush(sink, &err), &err);
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
    snprintf(sql, sizeof sql, "PRAGMA page_size = %d; PRAGMA cache_size = -32768; %s", page_bytes,
             mode->pragmas);
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
            (void)qn_sqlite_image_detach(db);
            check(qn_sqlite_exec(db, "BEGIN IMMEDIATE", "begin", &err), &err);
            for (int i = 0; i < CHUNK_BATCHES && done < rows; i++, done += QN_BATCH_ROWS)
                check(ops->write(sink, &batch, &err), &err);
            check(ops->flush(sink, &err), &err);
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

/* --- routes ----------------------------------------------------------------------------------- */

enum { LOAD_COLUMNS = 12, LOAD_ROWS = 1000000 };

struct load {
    sqlite3 *db;
    const struct qn_batch *batch;
    sqlite3_stmt *stmt; /* kept by a route from one batch to the next */
    struct qn_sink *sink;
};

static void sql(struct load *load, const char *text)
{
    struct qn_err err = {0};
    check(qn_sqlite_exec(load->db, text, "load", &err), &err);
}

static void bind_value(sqlite3_stmt *stmt, int at, const struct qn_column *column, uint32_t row)
{
    struct qn_strv text;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_I64: sqlite3_bind_int64(stmt, at, column->i64[row]); break;
    case QN_LAYOUT_F64: sqlite3_bind_double(stmt, at, column->f64[row]); break;
    default:
        text = qn_text_at(column, row);
        sqlite3_bind_text(stmt, at, text.data, (int)text.len, SQLITE_STATIC);
    }
}

/* `rows` rows a statement, every value bound. */
static void load_bound(struct load *load, uint32_t rows)
{
    if (!load->stmt) {
        struct qn_err err = {0};
        struct qn_buf text;
        qn_buf_init(&text);
        qn_buf_printf(&text, "INSERT INTO t VALUES");
        for (uint32_t row = 0; row < rows; row++)
            for (uint32_t i = 0; i < LOAD_COLUMNS; i++)
                qn_buf_printf(&text, "%s?%s",
                              i     ? ","
                              : row ? ",("
                                    : "(",
                              i + 1 == LOAD_COLUMNS ? ")" : "");
        qn_buf_put_u8(&text, 0);
        check(qn_sqlite_prepare(load->db, (char *)text.data, "load", &load->stmt, &err), &err);
        qn_buf_fini(&text);
    }
    for (uint32_t first = 0; first < load->batch->n_rows; first += rows) {
        for (uint32_t i = 0; i < rows * LOAD_COLUMNS; i++)
            bind_value(load->stmt, (int)i + 1, &load->batch->columns[i % LOAD_COLUMNS],
                       first + i / LOAD_COLUMNS);
        sqlite3_step(load->stmt);
        sqlite3_reset(load->stmt);
    }
}

static void load_one_row(struct load *load)
{
    load_bound(load, 1);
}

static void load_eight_rows(struct load *load)
{
    load_bound(load, 8);
}

/* A read-only virtual table over a batch, as small as one can be. */
struct scan {
    sqlite3_vtab_cursor base;
    uint32_t row;
};
struct shown {
    sqlite3_vtab base;
    struct load *load;
};

static int shown_connect(sqlite3 *db, void *context, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **message)
{
    (void)argc, (void)argv, (void)message;
    struct shown *shown = calloc(1, sizeof *shown);
    shown->load = context;
    *out = &shown->base;
    return sqlite3_declare_vtab(db, "CREATE TABLE x(a,b,c,d,e,f,g,h,i,j,k,l)");
}

static int shown_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int shown_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table, (void)info;
    return SQLITE_OK;
}

static int scan_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
    (void)table;
    struct scan *scan = calloc(1, sizeof *scan);
    *out = &scan->base;
    return SQLITE_OK;
}

static int scan_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static int scan_filter(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index, (void)name, (void)argc, (void)argv;
    ((struct scan *)cursor)->row = 0;
    return SQLITE_OK;
}

static int scan_next(sqlite3_vtab_cursor *cursor)
{
    ((struct scan *)cursor)->row++;
    return SQLITE_OK;
}

static int scan_eof(sqlite3_vtab_cursor *cursor)
{
    return ((struct scan *)cursor)->row >= ((struct shown *)cursor->pVtab)->load->batch->n_rows;
}

static int scan_column(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int index)
{
    const struct qn_column *column = &((struct shown *)cursor->pVtab)->load->batch->columns[index];
    uint32_t row = ((struct scan *)cursor)->row;
    struct qn_strv text;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_I64: sqlite3_result_int64(out, column->i64[row]); break;
    case QN_LAYOUT_F64: sqlite3_result_double(out, column->f64[row]); break;
    default:
        text = qn_text_at(column, row);
        sqlite3_result_text(out, text.data, (int)text.len, SQLITE_STATIC);
    }
    return SQLITE_OK;
}

static int scan_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = ((struct scan *)cursor)->row;
    return SQLITE_OK;
}

static void load_virtual_table(struct load *load)
{
    static const sqlite3_module module = {.xConnect = shown_connect,
                                          .xBestIndex = shown_best_index,
                                          .xDisconnect = shown_disconnect,
                                          .xOpen = scan_open,
                                          .xClose = scan_close,
                                          .xFilter = scan_filter,
                                          .xNext = scan_next,
                                          .xEof = scan_eof,
                                          .xColumn = scan_column,
                                          .xRowid = scan_rowid};
    struct qn_err err = {0};
    if (!load->stmt) {
        sqlite3_create_module_v2(load->db, "shown", &module, load, NULL);
        check(qn_sqlite_prepare(load->db, "INSERT INTO t SELECT * FROM shown", "load", &load->stmt,
                                &err),
              &err);
    }
    sqlite3_step(load->stmt);
    sqlite3_reset(load->stmt);
}

static void load_image(struct load *load)
{
    struct qn_err err = {0};
    check(qn_sink_find("sqlite")->write(load->sink, load->batch, &err), &err);
}

static const struct {
    const char *name;
    void (*load)(struct load *load);
} routes[] = {
    {"values bound, a row a statement", load_one_row},
    {"values bound, eight rows a statement", load_eight_rows},
    {"INSERT SELECT from a virtual table", load_virtual_table},
    {"image made in memory and copied", load_image},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };
/* Ready to load table t; the sink's own staging table where the route needs one. */
static void begin_load(struct load *load, const struct qn_batch *batch)
{
    struct qn_err err = {0};
    *load = (struct load){.db = open_mode(&modes[0]), .batch = batch};
    sql(load, "CREATE TABLE t(a INTEGER, b REAL, c TEXT, d INTEGER, e REAL, f TEXT, g INTEGER, "
              "h REAL, i TEXT, j INTEGER, k REAL, l TEXT) STRICT");
    check(qn_sink_find("sqlite")->prepare(load->db, "u", batch->schema, QN_WRITE_REPLACE,
                                          &load->sink, &err),
          &err);
}

static void end_load(struct load *load)
{
    sqlite3_finalize(load->stmt);
    qn_sink_find("sqlite")->close(load->sink);
    sqlite3_close(load->db);
}

static double load_ms(void (*route)(struct load *load), const struct qn_batch *batch)
{
    struct load load;
    struct qn_err err = {0};
    begin_load(&load, batch);
    int64_t start = qn_clock_us();
    for (uint32_t done = 0; done < LOAD_ROWS;) {
        (void)qn_sqlite_image_detach(load.db);
        sql(&load, "BEGIN IMMEDIATE");
        for (int i = 0; i < CHUNK_BATCHES && done < LOAD_ROWS; i++, done += batch->n_rows)
            route(&load);
        check(qn_sink_find("sqlite")->flush(load.sink, &err), &err);
        sql(&load, "COMMIT");
    }
    end_load(&load);
    return since_ms(&start);
}

/* The copy out of a file that a worker would have filled: what is left to the one writer. */
static double staged_ms(const struct qn_batch *batch)
{
    struct load load;
    char text[600];
    load_ms(load_virtual_table, batch);
    snprintf(text, sizeof text, "%s-staged", path);
    rename(path, text);
    begin_load(&load, batch);
    snprintf(text, sizeof text, "ATTACH '%s-staged' AS staged", path);
    sql(&load, text);
    int64_t start = qn_clock_us();
    sql(&load, "BEGIN; INSERT INTO t SELECT * FROM staged.t; COMMIT");
    end_load(&load);
    double ms = since_ms(&start);
    snprintf(text, sizeof text, "%s-staged", path);
    unlink(text);
    return ms;
}

static double encode_ms(const struct qn_batch *batch)
{
    struct qn_sqlite_image image;
    struct qn_err err = {0};
    qn_sqlite_image_init(&image);
    int64_t start = qn_clock_us();
    for (uint32_t done = 0; done < LOAD_ROWS; done += batch->n_rows) {
        if (qn_sqlite_image_bytes(&image) > 16 << 20)
            qn_sqlite_image_clear(&image);
        check(qn_sqlite_image_put(&image, batch, &err), &err);
    }
    double ms = since_ms(&start);
    qn_sqlite_image_fini(&image);
    return ms;
}

static void print_route(const char *name, double ms)
{
    printf("  %-42s %6.0f ms, %.2f M rows/s\n", name, ms, LOAD_ROWS / ms / 1000.0);
}

/* Median of three, each from an empty file to a closed one. */
static double middle(double (*measure)(const struct qn_batch *), const struct qn_batch *batch,
                     void (*route)(struct load *))
{
    double ms[3];
    for (int i = 0; i < 3; i++)
        ms[i] = route ? load_ms(route, batch) : measure(batch);
    qsort(ms, 3, sizeof *ms, compare);
    return ms[1];
}

static void compare_routes(void)
{
    static const int sizes[] = {4096, 8192, 16384, 32768, 65536};
    struct qn_field fields[MAX_COLUMNS];
    struct qn_schema schema;
    struct qn_batch batch;
    struct qn_batch_builder *builder =
        make_batch(LOAD_COLUMNS, QN_BATCH_ROWS, fields, &schema, &batch);
    printf("routes, %d rows of %d columns, WAL (median of 3):\n", LOAD_ROWS, LOAD_COLUMNS);
    for (int i = 0; i < ROUTES; i++)
        print_route(routes[i].name, middle(NULL, &batch, routes[i].load));
    print_route("  of that, making the image", middle(encode_ms, &batch, NULL));
    print_route("a staging file's copy alone", middle(staged_ms, &batch, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[60];
        page_bytes = sizes[i];
        snprintf(name, sizeof name, "image, pages of %d KiB", sizes[i] >> 10);
        print_route(name, middle(NULL, &batch, load_image));
    }
    page_bytes = QN_SQLITE_PAGE_BYTES;
    qn_builder_free(builder);
}

int main(int argc, char **argv)
{
    snprintf(path, sizeof path, "%s/quern-bench-%d.db", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    printf("SQLite %s, pages of %d bytes, %ld cores\n", sqlite3_libversion(), QN_SQLITE_PAGE_BYTES,
           sysconf(_SC_NPROCESSORS_ONLN));
    tiny_run();
    compare_routes();
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
