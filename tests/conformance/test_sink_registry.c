/* What every sink of the registry must hold: nothing half-done is ever visible, and a table is what
 * was written to it. The warehouse they fill is the store's. */
#include <sqlite3.h>

#include "tests/support/warehouse.h"

struct fixture {
    struct folder folder;
    struct qn_store *store;
    const struct qn_sink_ops *ops;
    struct qn_err err;
};

static void start(struct fixture *f, const struct qn_sink_ops *ops)
{
    memset(f, 0, sizeof *f);
    folder_make(&f->folder);
    f->store = open_store(&f->folder);
    f->ops = ops;
}

static void stop(struct fixture *f)
{
    qn_store_close(f->store);
    folder_remove(&f->folder);
}

static struct qn_sink *prepare(struct fixture *f, const char *table,
                               enum qn_write_disposition disposition)
{
    struct qn_sink *sink = NULL;
    assert_ok(f->ops->prepare(qn_store_connection(f->store), table, &all_types, disposition, &sink,
                              &f->err),
              &f->err);
    return sink;
}

static void write_rows(struct fixture *f, struct qn_sink *sink, int64_t first, uint32_t n)
{
    struct qn_batch batch;
    struct qn_batch_builder *builder = all_types_batch(first, n, &batch);
    assert_ok(f->ops->write(sink, &batch, &f->err), &f->err);
    qn_builder_free(builder);
}

static void begin(struct fixture *f)
{
    assert_ok(qn_store_begin(f->store, &f->err), &f->err);
}

static void commit(struct fixture *f)
{
    assert_ok(qn_store_commit(f->store, &f->err), &f->err);
}

static void put_chunk(struct fixture *f, struct qn_sink *sink, int64_t first, uint32_t n)
{
    begin(f);
    write_rows(f, sink, first, n);
    assert_ok(f->ops->flush(sink, &f->err), &f->err);
    commit(f);
}

static void publish(struct fixture *f, struct qn_sink *sink)
{
    begin(f);
    assert_ok(f->ops->publish(sink, &f->err), &f->err);
    commit(f);
    f->ops->close(sink);
}

/* A table with rows first .. first + n, made in one go. */
static void make(struct fixture *f, const char *table, enum qn_write_disposition disposition,
                 int64_t first, uint32_t n)
{
    struct qn_sink *sink = prepare(f, table, disposition);
    put_chunk(f, sink, first, n);
    publish(f, sink);
}

#define FOR_EACH_SINK(f)                                                                           \
    for (const struct qn_sink_ops *const *at = qn_sink_all(); *at; at++)                           \
        for (bool once = (start((f), *at), true); once; once = false, stop(f))

static void all_types_and_nulls_come_back(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        make(&f, "t", QN_WRITE_REPLACE, 5, 2);
        assert_query(f.store, "SELECT * FROM t ORDER BY rowid",
                     "5|NULL|NULL|NULL|NULL|NULL|NULL|"
                     "6|0|1.5|6.06|n\xc3\xa4me 6|2024-10-10|1970-01-07 00:00:01");
        assert_query(f.store,
                     "SELECT group_concat(typeof(id) || typeof(flag) || typeof(ratio) || "
                     "typeof(price) || typeof(\"Full Name\")) FROM t WHERE id = 6",
                     "integerintegerrealrealtext");
        assert_query(f.store, "SELECT group_concat(type, ' ') FROM pragma_table_info('t')",
                     "INTEGER INTEGER REAL REAL TEXT TEXT TEXT");
        assert_query(f.store, "SELECT strict FROM pragma_table_list WHERE name = 't'", "1");
    }
}

static void many_batches_keep_their_order(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_REPLACE);
        for (int64_t chunk = 0; chunk < 10; chunk++) {
            begin(&f);
            write_rows(&f, sink, chunk * 2000, 1500);
            write_rows(&f, sink, chunk * 2000 + 1500, 500);
            commit(&f);
        }
        publish(&f, sink);
        assert_query(f.store,
                     "SELECT count(*), sum(id = rowid - 1), sum(\"Full Name\" IS NULL), "
                     "max(id) FROM t",
                     "20000|20000|4000|19999");
    }
}

static void nothing_is_visible_before_publish_or_after_abort(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        make(&f, "t", QN_WRITE_REPLACE, 0, 3);
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_REPLACE);
        put_chunk(&f, sink, 100, 50);
        assert_query(f.store, "SELECT count(*) FROM t", "3");

        begin(&f); /* a chunk whose transaction is rolled back */
        write_rows(&f, sink, 200, 50);
        qn_store_rollback(f.store);
        begin(&f); /* a publish that is rolled back */
        assert_ok(f.ops->publish(sink, &f.err), &f.err);
        qn_store_rollback(f.store);
        assert_query(f.store, "SELECT count(*) FROM t", "3");

        begin(&f);
        assert_ok(f.ops->discard(sink, &f.err), &f.err);
        commit(&f);
        f.ops->close(sink);
        assert_query(f.store, "SELECT count(*), max(id) FROM t", "3|2");
        assert_query(f.store, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%stage%'", "0");
    }
}

static void replace_and_append(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        make(&f, "a", QN_WRITE_APPEND, 0, 3); /* makes the table */
        make(&f, "a", QN_WRITE_APPEND, 3, 4);
        assert_query(f.store, "SELECT count(*), sum(id = rowid - 1) FROM a", "7|7");
        make(&f, "a", QN_WRITE_REPLACE, 50, 2);
        assert_query(f.store, "SELECT group_concat(id) FROM a", "50,51");
        struct qn_sink *sink = prepare(&f, "a", QN_WRITE_REPLACE);
        publish(&f, sink); /* nothing written: an empty table */
        assert_query(f.store, "SELECT count(*) FROM a", "0");
    }
}

/* A run that goes on finds what was committed, and what was not is not there. */
static void a_resumed_run_finds_its_rows(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_REPLACE);
        put_chunk(&f, sink, 0, 10);
        begin(&f);
        write_rows(&f, sink, 10, 10); /* lost: the process dies before COMMIT */
        f.ops->close(sink);
        qn_store_close(f.store);

        f.store = open_store(&f.folder);
        sink = prepare(&f, "t", QN_WRITE_REPLACE);
        put_chunk(&f, sink, 10, 10);
        publish(&f, sink);
        assert_query(f.store, "SELECT count(*), count(DISTINCT id), max(id) FROM t", "20|20|19");
    }
}

static void a_second_commit_of_a_chunk_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_REPLACE);
        struct qn_ledger_row row = {.run_id = "r", .job = "j", .unit = 7, .attempt = 1, .rows = 4};
        for (int time = 0; time < 3; time++, row.attempt++) {
            begin(&f);
            qn_code code = qn_store_ledger_put(f.store, &row, &f.err);
            assert_int_equal(code, time == 0 ? QN_OK : QN_EEXISTS);
            if (code == QN_OK)
                write_rows(&f, sink, 0, 4);
            commit(&f);
        }
        publish(&f, sink);
        assert_query(f.store, "SELECT count(*) FROM t", "4");
        assert_query(f.store, "SELECT count(*), max(attempt) FROM _quern_commits", "1|1");
    }
}

static void assert_refused(struct fixture *f, const char *table, const struct qn_schema *schema,
                           enum qn_write_disposition disposition, const char *says)
{
    struct qn_sink *sink = NULL;
    qn_code code =
        f->ops->prepare(qn_store_connection(f->store), table, schema, disposition, &sink, &f->err);
    assert_int_equal(code, QN_EINPUT);
    assert_int_equal(f->err.blame, QN_BLAME_JOB);
    assert_null(sink);
    if (!strstr(f->err.message, says))
        fail_msg("expected '%s' in: %s", says, f->err.message);
    assert_query(f->store, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%stage%'", "0");
}

static void names_that_cannot_be_tables_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        sqlite3 *db = qn_store_connection(f.store);
        assert_int_equal(
            sqlite3_exec(db, "CREATE VIEW v AS SELECT 1; CREATE TABLE k(a); CREATE INDEX i ON k(a)",
                         NULL, NULL, NULL),
            SQLITE_OK);
        const char *const bad[] = {"_quern_runs", "_QUERN_x",           "sqlite_x", "",
                                   "a b",         "t\"; drop table k;", "1st",      "t\n"};
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
            assert_refused(&f, bad[i], &all_types, QN_WRITE_REPLACE, "");
        assert_refused(&f, "v", &all_types, QN_WRITE_REPLACE, "a view of that name");
        assert_refused(&f, "V", &all_types, QN_WRITE_APPEND, "a view of that name");
        assert_refused(&f, "i", &all_types, QN_WRITE_REPLACE, "an index of that name");
        const struct qn_field same[] = {{"Name", {.id = QN_TEXT}}, {"name", {.id = QN_TEXT}}};
        assert_refused(&f, "t", &(struct qn_schema){same, 2}, QN_WRITE_REPLACE, "ignores case");
        assert_refused(&f, "t", &(struct qn_schema){same, 0}, QN_WRITE_REPLACE, "0 columns");
    }
}

static void append_checks_the_columns(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        const struct qn_field ab[] = {{"a", {.id = QN_INT64}}, {"b", {.id = QN_TEXT}}};
        const struct qn_field a[] = {{"a", {.id = QN_INT64}}};
        const struct qn_field abc[] = {
            {"a", {.id = QN_INT64}}, {"b", {.id = QN_TEXT}}, {"c", {.id = QN_TEXT}}};
        const struct qn_field other[] = {{"a", {.id = QN_DOUBLE}}, {"b", {.id = QN_TEXT}}};
        sqlite3 *db = qn_store_connection(f.store);
        assert_int_equal(
            sqlite3_exec(db, "CREATE TABLE t(a INTEGER, b TEXT) STRICT;", NULL, NULL, NULL),
            SQLITE_OK);
        assert_refused(&f, "t", &(struct qn_schema){a, 1}, QN_WRITE_APPEND, "lack its column b");
        assert_refused(&f, "t", &(struct qn_schema){abc, 3}, QN_WRITE_APPEND, "has no column c");
        assert_refused(&f, "t", &(struct qn_schema){other, 2}, QN_WRITE_APPEND,
                       "its column a is INTEGER, the rows have REAL");
        struct qn_sink *sink = NULL;
        assert_ok(
            f.ops->prepare(db, "t", &(struct qn_schema){ab, 2}, QN_WRITE_APPEND, &sink, &f.err),
            &f.err);
        begin(&f);
        assert_ok(f.ops->discard(sink, &f.err), &f.err);
        commit(&f);
        f.ops->close(sink);
    }
}

/* The same columns in another order, a generated one among them, are filled by name. */
static void append_to_columns_in_another_order(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        assert_int_equal(
            sqlite3_exec(qn_store_connection(f.store),
                         "CREATE TABLE t(\"Full Name\" TEXT, twice AS (id * 2), id INT, at TEXT, "
                         "price REAL, day TEXT, flag INTEGER, ratio REAL)",
                         NULL, NULL, NULL),
            SQLITE_OK);
        make(&f, "t", QN_WRITE_APPEND, 6, 2);
        assert_query(f.store, "SELECT * FROM t WHERE id = 6",
                     "n\xc3\xa4me 6|12|6|1970-01-07 00:00:01|6.06|2024-10-10|0|1.5");
    }
}

/* A publish that fails half-way leaves the transaction as it was before it. */
static void a_failed_publish_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        sqlite3 *db = qn_store_connection(f.store);
        make(&f, "t", QN_WRITE_APPEND, 0, 5);
        assert_int_equal(sqlite3_exec(db, "CREATE UNIQUE INDEX u ON t(id)", NULL, NULL, NULL),
                         SQLITE_OK);
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_APPEND);
        put_chunk(&f, sink, 4, 3); /* id 4 is there already */
        begin(&f);
        assert_int_equal(f.ops->publish(sink, &f.err), QN_EINPUT);
        assert_non_null(strstr(f.err.message, "UNIQUE"));
        assert_ok(f.ops->discard(sink, &f.err), &f.err);
        commit(&f); /* what else the transaction told is kept */
        f.ops->close(sink);
        assert_query(f.store, "SELECT count(*) FROM t", "5");
    }
}

/* What people build on a table outlives its replacement. */
static void views_survive_a_replacement(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        make(&f, "t", QN_WRITE_REPLACE, 0, 3);
        assert_int_equal(sqlite3_exec(qn_store_connection(f.store),
                                      "CREATE VIEW v AS SELECT max(id) AS m FROM t", NULL, NULL,
                                      NULL),
                         SQLITE_OK);
        make(&f, "t", QN_WRITE_REPLACE, 10, 3);
        assert_query(f.store, "SELECT m FROM v", "12");
    }
}

static void hostile_column_names_are_only_names(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        const struct qn_field fields[] = {{"a\"); DROP TABLE keep; --", {.id = QN_INT64}},
                                          {"select", {.id = QN_INT64}},
                                          {"rowid", {.id = QN_INT64}},
                                          {"'; --", {.id = QN_INT64}},
                                          {"\xe5\x90\x8d\xe5\x89\x8d", {.id = QN_INT64}},
                                          {"", {.id = QN_INT64}}};
        const struct qn_schema schema = {fields, 6};
        make(&f, "keep", QN_WRITE_REPLACE, 0, 1);
        struct qn_batch batch;
        struct qn_batch_builder *builder = NULL;
        assert_ok(qn_builder_new(&schema, &builder, &f.err), &f.err);
        for (uint32_t i = 0; i < 6; i++)
            qn_builder_i64(builder, i, i + 1);
        assert_ok(qn_builder_row(builder, &f.err), &f.err);
        qn_builder_batch(builder, &batch);
        struct qn_sink *sink = NULL;
        assert_ok(f.ops->prepare(qn_store_connection(f.store), "h", &schema, QN_WRITE_APPEND, &sink,
                                 &f.err),
                  &f.err);
        begin(&f);
        assert_ok(f.ops->write(sink, &batch, &f.err), &f.err);
        assert_ok(f.ops->flush(sink, &f.err), &f.err);
        commit(&f);
        publish(&f, sink);
        qn_builder_free(builder);
        assert_query(f.store, "SELECT * FROM h", "1|2|3|4|5|6");
        assert_query(f.store, "SELECT group_concat(name, ' ') FROM pragma_table_info('h')",
                     "a\"); DROP TABLE keep; -- select rowid '; -- \xe5\x90\x8d\xe5\x89\x8d ");
        assert_query(f.store, "SELECT count(*) FROM keep", "1");
    }
}

static void publish_indexed(struct fixture *f, struct qn_sink *sink, const struct qn_index *index)
{
    begin(f);
    assert_ok(f->ops->publish(sink, &f->err), &f->err);
    assert_ok(f->ops->index(sink, index, &f->err), &f->err);
    commit(f);
    f->ops->close(sink);
}

static void indexes_come_with_the_table(void **state)
{
    (void)state;
    static const char *const columns[] = {"Full Name", "id"};
    static const struct qn_index index = {"ix_t__Full Name__id", columns, 2};
    static const char indexes[] = "SELECT group_concat(name) FROM pragma_index_info('"
                                  "ix_t__Full Name__id')";
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        enum qn_write_disposition turns[] = {QN_WRITE_REPLACE, QN_WRITE_REPLACE, QN_WRITE_APPEND};
        for (int turn = 0; turn < 3; turn++) {
            struct qn_sink *sink = prepare(&f, "t", turns[turn]);
            put_chunk(&f, sink, turn * 100, 100);
            publish_indexed(&f, sink, &index);
            assert_query(f.store, indexes, "Full Name,id");
        }
        assert_query(f.store, "SELECT count(*) FROM t WHERE \"Full Name\" IS NULL", "40");
        assert_query(f.store, "PRAGMA integrity_check", "ok");

        /* Rolled back, the new rows and their index are gone together. */
        struct qn_sink *sink = prepare(&f, "t", QN_WRITE_REPLACE);
        put_chunk(&f, sink, 0, 7);
        begin(&f);
        assert_ok(f.ops->publish(sink, &f.err), &f.err);
        assert_ok(f.ops->index(sink, &index, &f.err), &f.err);
        qn_store_rollback(f.store);
        assert_query(f.store, "SELECT count(*) FROM t", "200");
        assert_query(f.store, indexes, "Full Name,id");
        f.ops->close(sink);

        /* The name is taken by another table's index. */
        sink = prepare(&f, "other", QN_WRITE_REPLACE);
        put_chunk(&f, sink, 0, 7);
        begin(&f);
        assert_ok(f.ops->publish(sink, &f.err), &f.err);
        assert_int_equal(f.ops->index(sink, &index, &f.err), QN_EINPUT);
        assert_non_null(strstr(f.err.message, "something else of that name"));
        qn_store_rollback(f.store);
        f.ops->close(sink);
    }
}

static void odd_values_are_kept_or_null(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        const struct qn_field fields[] = {
            {"x", {.id = QN_DOUBLE}}, {"n", {.id = QN_INT64}}, {"s", {.id = QN_TEXT}}};
        const struct qn_schema schema = {fields, 3};
        struct qn_batch batch;
        struct qn_batch_builder *builder = NULL;
        assert_ok(qn_builder_new(&schema, &builder, &f.err), &f.err);
        const double x[] = {NAN, INFINITY, -0.0, 5e-324, 1e308};
        for (int i = 0; i < 5; i++) {
            qn_builder_f64(builder, 0, x[i]);
            qn_builder_i64(builder, 1, i % 2 ? INT64_MIN : INT64_MAX);
            qn_builder_text(builder, 2, i % 2 ? QN_STRV_LIT("a\0b") : QN_STRV_LIT(""));
            assert_ok(qn_builder_row(builder, &f.err), &f.err);
        }
        qn_builder_batch(builder, &batch);
        struct qn_sink *sink = NULL;
        assert_ok(f.ops->prepare(qn_store_connection(f.store), "o", &schema, QN_WRITE_REPLACE,
                                 &sink, &f.err),
                  &f.err);
        begin(&f);
        assert_ok(f.ops->write(sink, &batch, &f.err), &f.err);
        assert_ok(f.ops->flush(sink, &f.err), &f.err);
        commit(&f);
        publish(&f, sink);
        qn_builder_free(builder);
        assert_query(f.store, "SELECT x IS NULL, x = 9e999, x = 0.0, x = 5e-324, x = 1e308 FROM o",
                     "1|NULL|NULL|NULL|NULL|0|1|0|0|0|0|0|1|0|0|0|0|0|1|0|0|0|0|0|1");
        assert_query(f.store, "SELECT n, hex(s), typeof(s) FROM o LIMIT 2",
                     "9223372036854775807||text|-9223372036854775808|610062|text");
    }
}

static void rows_of_another_shape_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    FOR_EACH_SINK(&f)
    {
        const struct qn_field fields[] = {{"id", {.id = QN_INT64}}};
        const struct qn_schema schema = {fields, 1};
        struct qn_sink *sink = NULL;
        assert_ok(f.ops->prepare(qn_store_connection(f.store), "t", &schema, QN_WRITE_REPLACE,
                                 &sink, &f.err),
                  &f.err);
        struct qn_batch batch;
        struct qn_batch_builder *builder = all_types_batch(0, 2, &batch);
        begin(&f);
        assert_int_equal(f.ops->write(sink, &batch, &f.err), QN_ESTATE);
        qn_store_rollback(f.store);
        f.ops->close(sink);
        qn_builder_free(builder);
        /* Rows that an earlier life staged stay: those of other columns must not be mixed in. */
        sink = NULL;
        assert_ok(f.ops->prepare(qn_store_connection(f.store), "t", &all_types, QN_WRITE_REPLACE,
                                 &sink, &f.err),
                  &f.err);
        put_chunk(&f, sink, 0, 2);
        f.ops->close(sink);
        sink = NULL;
        assert_int_equal(f.ops->prepare(qn_store_connection(f.store), "t", &schema,
                                        QN_WRITE_REPLACE, &sink, &f.err),
                         QN_ESTATE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_and_nulls_come_back),
        cmocka_unit_test(many_batches_keep_their_order),
        cmocka_unit_test(nothing_is_visible_before_publish_or_after_abort),
        cmocka_unit_test(replace_and_append),
        cmocka_unit_test(a_resumed_run_finds_its_rows),
        cmocka_unit_test(a_second_commit_of_a_chunk_changes_nothing),
        cmocka_unit_test(names_that_cannot_be_tables_are_refused),
        cmocka_unit_test(append_checks_the_columns),
        cmocka_unit_test(append_to_columns_in_another_order),
        cmocka_unit_test(a_failed_publish_changes_nothing),
        cmocka_unit_test(views_survive_a_replacement),
        cmocka_unit_test(hostile_column_names_are_only_names),
        cmocka_unit_test(indexes_come_with_the_table),
        cmocka_unit_test(odd_values_are_kept_or_null),
        cmocka_unit_test(rows_of_another_shape_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
