/* Random queries answered by `quern query`, from files of every format, and by SQLite over the same
 * random tables: equal row by row where the query orders them, else as bags.
 *
 * QUERN_QUERIES is how many (60), QUERN_QUERY_SEED where to begin (1), QUERN_QUERY_DUMP a folder
 * that keeps tables, queries and answers, for other engines to be asked (tests/parity). */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "flow/source.h"
#include "flow/value.h"
#include "flow/writer.h"
#include "tests/support/sql_query.h"
#include "tests/support/sql_spell.h"
#include "tests/support/test.h"

enum { TABLE_ROWS_1 = 70, TABLE_ROWS_2 = 33, TABLE_ROWS_3 = 8 };

static char folder[512];
static sqlite3 *db;
static const char *formats[] = {"csv", "jsonl", "parquet"}; /* those that are read and written */
static uint32_t n_formats;

static uint64_t first_seed(void)
{
    const char *first = getenv("QUERN_QUERY_SEED");
    return first ? strtoull(first, NULL, 10) : 1;
}

/* --- tables ---------------------------------------------------------------------------------- */

static void write_file(const char *name, const struct qn_buf *bytes)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
    assert_int_equal(fclose(file), 0);
}

/* A field of CSV, off the front of the text; *null when there is nothing. */
static struct qn_strv take_field(struct qn_strv *text, char *room, bool *null, bool *last)
{
    size_t n = 0, at = 0;
    bool quoted = text->len && text->data[0] == '"';
    for (at = quoted; at < text->len; at++) {
        char c = text->data[at];
        if (quoted && c == '"') {
            if (at + 1 < text->len && text->data[at + 1] == '"')
                at++;
            else {
                at++;
                break;
            }
        } else if (!quoted && (c == ',' || c == '\n')) {
            break;
        }
        room[n++] = c;
    }
    *null = !quoted && n == 0;
    *last = at >= text->len || text->data[at] == '\n';
    text->data += at + 1 < text->len ? at + 1 : text->len;
    text->len -= at + 1 < text->len ? at + 1 : text->len;
    return (struct qn_strv){room, n};
}

static void bind_field(sqlite3_stmt *insert, uint32_t column, struct qn_strv field, bool null)
{
    int at = (int)column + 1;
    char text[64];
    snprintf(text, sizeof text, "%.*s", QN_STRV_ARG(field));
    if (null) {
        sqlite3_bind_null(insert, at);
        return;
    }
    switch (sql_columns[column].kind) {
    case SQL_INT: sqlite3_bind_int64(insert, at, atoll(text)); break;
    case SQL_DECIMAL:
    case SQL_DOUBLE: sqlite3_bind_double(insert, at, atof(text)); break;
    case SQL_BOOL: sqlite3_bind_int64(insert, at, text[0] == 't'); break;
    default: sqlite3_bind_text(insert, at, field.data, (int)field.len, SQLITE_TRANSIENT);
    }
}

static void load_table(const char *name, struct qn_strv csv)
{
    static const char *const types[] = {"INTEGER", "TEXT",    "REAL", "REAL",
                                        "TEXT",    "INTEGER", "TEXT"};
    char sql[1024], room[256];
    size_t n = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE %s(", name);
    for (uint32_t c = 0; c < SQL_COLUMNS; c++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, "%s%s %s", c ? "," : "", sql_columns[c].name,
                              types[sql_columns[c].kind]);
    snprintf(sql + n, sizeof sql - n, ")");
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES(?,?,?,?,?,?,?,?,?,?,?)", name);
    sqlite3_stmt *insert;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &insert, NULL), SQLITE_OK);
    for (bool header = true; csv.len; header = false) {
        bool null, last = false;
        for (uint32_t c = 0; !last; c++) {
            struct qn_strv field = take_field(&csv, room, &null, &last);
            if (!header)
                bind_field(insert, c, field, null);
        }
        if (!header)
            assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
}

/* The same rows in the other formats, as a query writes them. */
static int copy_tables(void)
{
    uint32_t n = 1;
    for (uint32_t f = 1; f < sizeof formats / sizeof formats[0]; f++) {
        const char *format = formats[f];
        if (!qn_source_find(format) || !qn_writer_find(format))
            continue;
        for (uint32_t t = 1; t <= SQL_TABLES; t++) {
            char command[1400];
            snprintf(command, sizeof command,
                     "cd %s && %s query \"SELECT * FROM 't%u.csv'\" --out t%u.%s", folder,
                     getenv("QUERN"), t, t, format);
            assert_int_equal(system(command), 0);
        }
        formats[n++] = format;
    }
    n_formats = n;
    return 0;
}

static int make_tables(void **state)
{
    (void)state;
    static const uint32_t n_rows[] = {TABLE_ROWS_1, TABLE_ROWS_2, TABLE_ROWS_3};
    const char *dump = getenv("QUERN_QUERY_DUMP");
    snprintf(folder, sizeof folder, "%s", dump ? dump : "/tmp/quern-oracle-XXXXXX");
    assert_true(dump || mkdtemp(folder));
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (uint32_t t = 0; t < SQL_TABLES; t++) {
        struct qn_buf csv;
        char name[16];
        qn_buf_init(&csv);
        struct sql_random r = {.state = first_seed() * 16 + t, .out = &csv};
        sql_table(&r, n_rows[t]);
        snprintf(name, sizeof name, "t%u.csv", t + 1);
        write_file(name, &csv);
        name[2] = '\0';
        load_table(name, qn_buf_strv(&csv));
        qn_buf_fini(&csv);
    }
    return copy_tables();
}

static int remove_tables(void **state)
{
    (void)state;
    sqlite3_close(db);
    for (uint32_t i = 0; i < SQL_TABLES * n_formats && !getenv("QUERN_QUERY_DUMP"); i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/t%u.%s", folder, 1 + i / n_formats, formats[i % n_formats]);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}

/* --- answers --------------------------------------------------------------------------------- */

/* Rows as lines of cells that can be compared: numbers to twelve digits, NULL as such. */
struct answer {
    char **rows;
    size_t n, capacity;
};

static void put_cell(struct qn_buf *row, struct qn_strv text, bool null)
{
    double number;
    if (null)
        qn_buf_printf(row, "|NULL");
    else if (qn_strv_is(text, "true") || qn_strv_is(text, "false"))
        qn_buf_printf(row, "|%d", text.data[0] == 't');
    else if (qn_parse_double(text, &number))
        qn_buf_printf(row, "|%.12g", number == 0 ? 0.0 : number);
    else
        qn_buf_printf(row, "|'%.*s'", QN_STRV_ARG(text));
}

static void add_row(struct answer *answer, struct qn_buf *row)
{
    if (answer->n == answer->capacity) {
        answer->capacity = answer->capacity ? answer->capacity * 2 : 64;
        answer->rows = realloc(answer->rows, answer->capacity * sizeof *answer->rows);
        assert_non_null(answer->rows);
    }
    qn_buf_put_u8(row, 0);
    answer->rows[answer->n] = strdup((const char *)row->data);
    assert_non_null(answer->rows[answer->n++]);
    qn_buf_clear(row);
}

static void free_answer(struct answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        free(answer->rows[i]);
    free(answer->rows);
}

static bool ask_sqlite(const char *query, struct answer *answer)
{
    struct qn_buf sql, row;
    sqlite3_stmt *select;
    qn_buf_init(&sql);
    qn_buf_init(&row);
    sql_spell(query, NULL, &sql);
    if (sqlite3_prepare_v2(db, (const char *)sql.data, -1, &select, NULL) != SQLITE_OK)
        fail_msg("SQLite: %s: %s", sqlite3_errmsg(db), (const char *)sql.data);
    while (sqlite3_step(select) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(select); c++) {
            bool null = sqlite3_column_type(select, c) == SQLITE_NULL;
            char number[40];
            const char *text = (const char *)sqlite3_column_text(select, c);
            if (sqlite3_column_type(select, c) == SQLITE_FLOAT) {
                snprintf(number, sizeof number, "%.17g", sqlite3_column_double(select, c));
                text = number;
            }
            put_cell(&row, qn_strv_from(text), null);
        }
        add_row(answer, &row);
    }
    sqlite3_finalize(select);
    qn_buf_fini(&sql);
    qn_buf_fini(&row);
    return true;
}

/* A text between single quotes of the shell. */
static void put_shell(struct qn_buf *out, const char *text)
{
    qn_buf_put_u8(out, '\'');
    for (; *text; text++)
        if (*text == '\'')
            qn_buf_printf(out, "'\\''");
        else
            qn_buf_put_u8(out, (uint8_t)*text);
    qn_buf_put_u8(out, '\'');
}

static void read_csv(struct qn_strv csv, struct answer *answer)
{
    struct qn_buf row;
    char *room = malloc(csv.len + 1);
    assert_non_null(room);
    qn_buf_init(&row);
    for (bool header = true; csv.len; header = false) {
        bool null, last = false;
        while (!last) {
            struct qn_strv field = take_field(&csv, room, &null, &last);
            if (!header)
                put_cell(&row, field, null);
        }
        if (!header)
            add_row(answer, &row);
    }
    qn_buf_fini(&row);
    free(room);
}

/* False: it was refused, or failed. */
static bool ask_quern(const char *query, const char *format, uint64_t workers, struct qn_buf *csv)
{
    struct qn_buf sql, command;
    char bytes[4096], table[64];
    size_t n;
    qn_buf_init(&sql);
    qn_buf_init(&command);
    /* small chunks, so that answers are put together from several */
    snprintf(table, sizeof table, "'NAME.%s'%s", format,
             strcmp(format, "parquet") == 0 ? "" : " (chunk_size 700)");
    sql_spell(query, table, &sql);
    qn_buf_printf(&command, "cd %s && %s query --csv --quiet --workers %u ", folder,
                  getenv("QUERN"), (unsigned)workers);
    put_shell(&command, (const char *)sql.data);
    qn_buf_put_u8(&command, 0);
    FILE *out = popen((const char *)command.data, "r");
    assert_non_null(out);
    while ((n = fread(bytes, 1, sizeof bytes, out)) > 0)
        qn_buf_put(csv, bytes, n);
    qn_buf_fini(&sql);
    qn_buf_fini(&command);
    return pclose(out) == 0;
}

/* --- comparing ------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The column-th cell of a row, from 1 on. */
static struct qn_strv cell_of(const char *row, uint32_t column)
{
    while (column--)
        row = strchr(row, '|') + 1;
    return (struct qn_strv){row, strcspn(row, "|")};
}

static bool same_keys(const struct answer *a, const struct answer *b, const struct sql_order *order)
{
    for (size_t i = 0; i < a->n; i++)
        for (uint32_t k = 0; k < order->n_keys; k++)
            if (!qn_strv_eq(cell_of(a->rows[i], order->keys[k]),
                            cell_of(b->rows[i], order->keys[k])))
                return false;
    return true;
}

/* The same rows, in the order of their text if order does not matter. To be freed. */
static char **in_order(const struct answer *answer, const struct sql_order *order)
{
    char **rows = malloc((answer->n + 1) * sizeof *rows);
    assert_non_null(rows);
    if (answer->n)
        memcpy(rows, answer->rows, answer->n * sizeof *rows);
    if (!order->total)
        qsort(rows, answer->n, sizeof *rows, by_text);
    return rows;
}

static bool same(const struct answer *a, const struct answer *b, const struct sql_order *order)
{
    if (a->n != b->n || !same_keys(a, b, order))
        return false;
    if (order->n_keys && order->cut)
        return true;
    char **left = in_order(a, order), **right = in_order(b, order);
    bool equal = true;
    for (size_t i = 0; i < a->n && equal; i++)
        equal = strcmp(left[i], right[i]) == 0;
    free(left);
    free(right);
    return equal;
}

static void show(const char *who, const struct answer *answer)
{
    print_message("%s: %zu rows\n", who, answer->n);
    for (size_t i = 0; i < answer->n && i < 15; i++)
        print_message("  %s\n", answer->rows[i]);
}

static void keep_answer(uint64_t seed, const char *format, const struct qn_buf *csv)
{
    char name[64];
    if (!getenv("QUERN_QUERY_DUMP"))
        return;
    snprintf(name, sizeof name, "answer_%llu_%s.csv", (unsigned long long)seed, format);
    write_file(name, csv);
}

/* "total", "bag", or the keys, and "cut" behind them. */
static void keep_query(uint64_t seed, const char *query, const struct sql_order *order)
{
    char path[600];
    if (!getenv("QUERN_QUERY_DUMP"))
        return;
    snprintf(path, sizeof path, "%s/queries.txt", folder);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    char line[8192];
    int n = snprintf(line, sizeof line, "%llu\t%s", (unsigned long long)seed,
                     order->total    ? "total"
                     : order->n_keys ? ""
                                     : "bag");
    for (uint32_t k = 0; k < order->n_keys; k++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%u ", order->keys[k]);
    n += snprintf(line + n, sizeof line - (size_t)n, "%s\t%s\n",
                  order->n_keys && order->cut ? "cut" : "", query);
    assert_true((size_t)n < sizeof line);
    fputs(line, file); /* at once: others append, too */
    fclose(file);
}

/* True when Quern, over files of this format, answers as SQLite did. */
static bool try_format(uint64_t seed, const char *query, const struct sql_order *order,
                       const char *format, const struct answer *theirs)
{
    struct qn_buf csv;
    struct answer ours = {0};
    qn_buf_init(&csv);
    bool agreed = ask_quern(query, format, 1 + (seed + (uint64_t)format[0]) % 2, &csv);
    if (agreed) {
        read_csv(qn_buf_strv(&csv), &ours);
        agreed = same(&ours, theirs, order);
        keep_answer(seed, format, &csv);
    }
    if (!agreed) {
        print_message("seed %llu, %s: %s\n", (unsigned long long)seed, format, query);
        show("quern", &ours);
        show("SQLite", theirs);
    }
    free_answer(&ours);
    qn_buf_fini(&csv);
    return agreed;
}

/* True when all formats agree. */
static bool try_seed(uint64_t seed)
{
    struct qn_buf query;
    struct answer theirs = {0};
    bool agreed = true;
    qn_buf_init(&query);
    struct sql_order order = sql_query(seed, &query);
    qn_buf_put_u8(&query, 0);
    const char *text = (const char *)query.data;
    ask_sqlite(text, &theirs);
    keep_query(seed, text, &order);
    for (uint32_t f = 0; f < n_formats; f++)
        agreed &= try_format(seed, text, &order, formats[f], &theirs);
    free_answer(&theirs);
    qn_buf_fini(&query);
    return agreed;
}

/* --- several at once: one query alone leaves the machine waiting ----------------------------- */

enum { AT_ONCE = 3 };

struct work {
    atomic_uint_fast64_t next, agreed;
};

static void serve(struct work *work, uint64_t end)
{
    for (;;) {
        uint64_t seed = atomic_fetch_add(&work->next, 1);
        if (seed >= end)
            return;
        if (try_seed(seed))
            atomic_fetch_add(&work->agreed, 1);
    }
}

static uint64_t try_seeds(uint64_t first, uint64_t n)
{
    struct work *work =
        mmap(NULL, sizeof *work, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(work != MAP_FAILED);
    work->next = first;
    fflush(stdout);
    for (int i = 0; i < AT_ONCE; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            serve(work, first + n);
            fflush(stdout);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    uint64_t agreed = work->agreed;
    munmap(work, sizeof *work);
    return agreed;
}

static void agrees_with_sqlite(void **state)
{
    (void)state;
    const char *count = getenv("QUERN_QUERIES");
    uint64_t n = count ? strtoull(count, NULL, 10) : getenv("QUERN_SANITIZED") ? 15 : 60;
    assert_non_null(getenv("QUERN"));
    uint64_t agreed = try_seeds(first_seed(), n);
    print_message("%llu of %llu queries (QUERN_QUERY_SEED=%llu) over %u formats agree with SQLite "
                  "%s\n",
                  (unsigned long long)agreed, (unsigned long long)n,
                  (unsigned long long)first_seed(), n_formats, sqlite3_libversion());
    assert_int_equal(agreed, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_sqlite)};
    return cmocka_run_group_tests(tests, make_tables, remove_tables);
}
