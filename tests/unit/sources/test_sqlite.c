/* What a SQLite source makes of values, keys, other writers and hostile questions. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "tests/support/sources.h"

struct fixture {
    char path[40];
    const char *paths[1];
    struct qn_arena arena;
    struct qn_source_options options;
    struct qn_source_info info;
    struct qn_err err;
    struct reading out;
};

static const struct qn_source_ops *ops;

static sqlite3 *write_to(const struct fixture *f, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    return db;
}

static void begin(struct fixture *f, const char *sql)
{
    memset(f, 0, sizeof *f);
    memcpy(f->path, "/tmp/quern-sqlite-XXXXXX", 25);
    close(mkstemp(f->path));
    f->paths[0] = f->path;
    qn_arena_init(&f->arena);
    reading_init(&f->out);
    f->options = options_for(f->paths, 1);
    sqlite3_close(write_to(f, sql));
}

static void end(struct fixture *f)
{
    char log[60];
    unlink(f->path);
    snprintf(log, sizeof log, "%s-wal", f->path);
    unlink(log);
    snprintf(log, sizeof log, "%s-shm", f->path);
    unlink(log);
    qn_arena_fini(&f->arena);
    reading_fini(&f->out);
}

static void expect_rows(struct fixture *f, const char *rows, const char *rejects)
{
    assert_ok(ops->inspect(&f->options, &f->arena, &f->info, &f->err), &f->err);
    assert_ok(read_source(ops, f->options, &f->info, 1 << 20, true, &f->out, &f->err), &f->err);
    assert_string_equal(reading_text(&f->out.rows), rows);
    assert_string_equal(reading_text(&f->out.rejects), rejects);
}

static void expect_error(struct fixture *f, const char *words)
{
    char said[1200];
    assert_int_not_equal(ops->inspect(&f->options, &f->arena, &f->info, &f->err), QN_OK);
    qn_err_format(&f->err, said, sizeof said);
    if (!strstr(said, words))
        fail_msg("expected '%s', got '%s'", words, said);
}

static void infinities_are_doubles(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "CREATE TABLE t (r REAL, i INTEGER); INSERT INTO t VALUES (9e999, 1), (-9e999, 2),"
              " (1, 9e999)");
    expect_rows(&f,
                "0:1 line 1 <{\"r\": \"inf\", \"i\": 1}> |inf| |1|\n"
                "0:2 line 2 <{\"r\": \"-inf\", \"i\": 2}> |-inf| |2|\n",
                "0:3 line 3 (i) type: expected integer, got \"inf\" (table t, rowid 3) <{\"r\": 1, "
                "\"i\": \"inf\"}>\n");
    end(&f);
}

static void values_become_what_columns_say(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "CREATE TABLE t (i INTEGER, r REAL, d DECIMAL(6,2), b BOOLEAN, day DATE, x TEXT);"
              "INSERT INTO t VALUES (1, 2, 3.25, 1, '2024-02-29', X'00FF'),"
              " (7.0, 0.5, '4', 0, NULL, 12), ('x', 1, 1, 1, NULL, 'a'), (1, 1, 1, 2, NULL, 'a'),"
              " (1, 1, 1, 1, '2024-02-30', 'a'), (1, 1, 1.005, 1, NULL, 'a'),"
              " (1, 1, 1, 1, NULL, CAST(X'41FF' AS TEXT))");
    expect_rows(
        &f,
        "0:1 line 1 <{\"i\": 1, \"r\": 2, \"d\": 3.25, \"b\": 1, \"day\": \"2024-02-29\", \"x\": "
        "\"00FF\"}> |1| |2| |3.25| |true| |2024-02-29| |00FF|\n"
        "0:2 line 2 <{\"i\": 7, \"r\": 0.5, \"d\": 4, \"b\": 0, \"day\": null, \"x\": \"12\"}> |7| "
        "|0.5| |4.00| |false| NULL |12|\n",
        "0:3 line 3 (i) type: expected integer, got \"x\" (table t, rowid 3) <{\"i\": \"x\", "
        "\"r\": 1, \"d\": 1, \"b\": 1, \"day\": null, \"x\": \"a\"}>\n"
        "0:4 line 4 (b) type: expected boolean, got 2 (table t, rowid 4) <{\"i\": 1, \"r\": 1, "
        "\"d\": 1, \"b\": 2, \"day\": null, \"x\": \"a\"}>\n"
        "0:5 line 5 (day) type: expected date, got \"2024-02-30\" (table t, rowid 5) <{\"i\": 1, "
        "\"r\": 1, \"d\": 1, \"b\": 1, \"day\": \"2024-02-30\", \"x\": \"a\"}>\n"
        "0:6 line 6 (d) type: expected decimal(6,2), got 1.005 (table t, rowid 6) <{\"i\": 1, "
        "\"r\": 1, \"d\": 1.005, \"b\": 1, \"day\": null, \"x\": \"a\"}>\n"
        "0:7 line 7 (x) encoding: not valid UTF-8, or it holds a NUL (table t, rowid 7) <{\"i\": "
        "1, \"r\": 1, \"d\": 1, \"b\": 1, \"day\": null, \"x\": \"A\xEF\xBF\xBD\"}>\n");
    end(&f);
}

static void queries_are_read_by_their_key(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "CREATE TABLE t (k INTEGER, v TEXT);"
              "INSERT INTO t VALUES (30, '2024-01-02 03:04:05'), (-5, NULL), (7, '2024-01-01')");
    f.options.query = "SELECT k, v FROM t; -- all\n";
    expect_error(&f, "cannot select");
    f.options.query = "SELECT k, v FROM t ; ";
    f.options.key = "k";
    expect_rows(&f,
                "0:0 line 1 <{\"k\": -5, \"v\": null}> |-5| NULL\n"
                "0:12 line 2 <{\"k\": 7, \"v\": \"2024-01-01\"}> |7| |2024-01-01 00:00:00|\n"
                "0:35 line 3 <{\"k\": 30, \"v\": \"2024-01-02 03:04:05\"}> |30| |2024-01-02 "
                "03:04:05|\n",
                "");
    sqlite3_close(write_to(&f, "INSERT INTO t VALUES (7, 'again')"));
    assert_ok(ops->inspect(&f.options, &f.arena, &f.info, &f.err), &f.err);
    assert_int_equal(read_source(ops, f.options, &f.info, 1 << 20, false, &f.out, &f.err),
                     QN_EINPUT);
    assert_non_null(strstr(f.err.message, "the key k is 7 in two rows"));
    sqlite3_close(write_to(&f, "INSERT INTO t VALUES (NULL, 'none')"));
    expect_error(&f, "the key k has values that are no integers");
    f.options.key = "q";
    expect_error(&f, "there is no column 'q' to be the key");
    end(&f);
}

static void hostile_questions_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"SELECT random() AS r", "SELECT 1) UNION SELECT (2",
                                      "PRAGMA user_version",  "SELECT load_extension('x')",
                                      "DELETE FROM t",        "SELECT 1; SELECT 2",
                                      "SELECT * FROM nothing"};
    struct fixture f;
    begin(&f, "CREATE TABLE t (a); CREATE TABLE u (a)");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        f.options.query = bad[i];
        assert_int_not_equal(ops->inspect(&f.options, &f.arena, &f.info, &f.err), QN_OK);
    }
    f.options.query = NULL;
    expect_error(&f, "say which table to read (table: NAME, or query: \"SELECT ...\"); there are: "
                     "t, u");
    FILE *file = fopen(f.path, "wb");
    fputs("id,name\n1,x\n", file);
    fclose(file);
    expect_error(&f, "this is no SQLite database");
    end(&f);
}

/* Chunks read at different times must agree on what they read. */
static void another_writer_is_noticed(void **state)
{
    (void)state;
    static const char *const modes[] = {"DELETE", "WAL"};
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        char sql[100];
        snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s; CREATE TABLE t (a INTEGER);",
                 modes[i]);
        begin(&f, sql);
        sqlite3 *writer = write_to(&f, "INSERT INTO t VALUES (1)");
        expect_rows(&f, "0:1 line 1 <{\"a\": 1}> |1|\n", ""); /* from the log, when there is one */
        sqlite3_exec(writer, "INSERT INTO t VALUES (2)", NULL, NULL, NULL);
        assert_int_equal(read_source(ops, f.options, &f.info, 1 << 20, false, &f.out, &f.err),
                         QN_EINPUT);
        assert_non_null(strstr(f.err.message, "the database changed since the run was planned"));
        sqlite3_close(writer);
        end(&f);
    }
}

/* Reading leaves nothing behind. */
static void a_database_at_rest_stays_alone(void **state)
{
    (void)state;
    struct fixture f;
    struct stat at;
    char log[60];
    begin(&f, "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)");
    expect_rows(&f, "0:1 line 1 <{\"a\": 1}> |1|\n", "");
    snprintf(log, sizeof log, "%s-shm", f.path);
    assert_int_not_equal(stat(log, &at), 0);
    end(&f);
}

int main(void)
{
    ops = qn_source_find("sqlite");
    const struct CMUnitTest tests[] = {cmocka_unit_test(infinities_are_doubles),
                                       cmocka_unit_test(values_become_what_columns_say),
                                       cmocka_unit_test(queries_are_read_by_their_key),
                                       cmocka_unit_test(hostile_questions_are_refused),
                                       cmocka_unit_test(another_writer_is_noticed),
                                       cmocka_unit_test(a_database_at_rest_stays_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
