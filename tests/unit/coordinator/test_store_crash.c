/* A process that commits chunks is killed at random moments, again and again, and goes on each
 * time. After every death ledger and rows agree, and what was acknowledged is there. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/support/warehouse.h"

enum { ROWS = 700, KILLS = 20, CHUNKS = 100000 };

static qn_code commit_chunk(struct qn_store *store, struct qn_sink *sink,
                            const struct qn_sink_ops *ops, uint32_t unit)
{
    struct qn_ledger_row row = {.run_id = "r", .job = "j", .unit = unit, .rows = ROWS};
    struct qn_batch batch;
    struct qn_batch_builder *builder = all_types_batch((int64_t)unit * ROWS, ROWS, &batch);
    QN_TRY(qn_store_begin(store, NULL));
    QN_TRY(qn_store_ledger_put(store, &row, NULL));
    QN_TRY(ops->write(sink, &batch, NULL));
    QN_TRY(ops->flush(sink, NULL));
    qn_builder_free(builder);
    return qn_store_commit(store, NULL);
}

/* Goes on from where the ledger ends until it is killed; says each chunk after its commit. */
static void child_commits(struct folder *folder, int told)
{
    struct qn_store *store = NULL;
    struct qn_sink *sink = NULL;
    struct qn_arena arena;
    struct qn_ledger_row *rows;
    uint32_t unit;
    const struct qn_sink_ops *ops = qn_sink_find("sqlite");
    struct qn_store_run run = {
        .run_id = "r", .spec_name = "s", .spec_sha256 = "h", .engine_version = "v"};
    qn_arena_init(&arena);
    if (qn_store_open(folder_file(folder, "w.db"), &store, NULL) != QN_OK ||
        qn_store_run_begin(store, &run, NULL) != QN_OK || qn_store_commit(store, NULL) != QN_OK ||
        qn_store_ledger_read(store, "r", &arena, &rows, &unit, NULL) != QN_OK ||
        ops->prepare(qn_store_connection(store), "t", &all_types, QN_WRITE_REPLACE, &sink, NULL) !=
            QN_OK)
        _exit(1);
    for (; unit < CHUNKS; unit++)
        if (commit_chunk(store, sink, ops, unit) != QN_OK ||
            write(told, &unit, sizeof unit) != sizeof unit)
            _exit(2);
    _exit(3);
}

/* The chunks that the ledger holds; the staging table holds exactly their rows, in order. */
static int64_t check_agreement(struct folder *folder)
{
    struct qn_store *store = open_store(folder);
    struct qn_err err = {0};
    struct qn_buf buf;
    qn_buf_init(&buf);
    assert_ok(qn_store_query(store, "SELECT count(*) FROM _quern_commits", NULL, 0, keep_value,
                             &buf, &err),
              &err);
    qn_buf_put_u8(&buf, 0);
    int64_t chunks = strtoll((const char *)buf.data, NULL, 10);
    qn_buf_fini(&buf);
    assert_query(store, "PRAGMA integrity_check", "ok");
    if (chunks) {
        char want[100];
        snprintf(want, sizeof want, "%lld|%lld|0", (long long)chunks * ROWS,
                 (long long)chunks * ROWS - 1);
        assert_query(store, "SELECT count(*), max(id), sum(id <> rowid - 1) FROM _quern_stage_t",
                     want);
        snprintf(want, sizeof want, "%lld", (long long)chunks - 1);
        assert_query(store, "SELECT max(chunk) FROM _quern_commits", want);
    }
    qn_store_close(store);
    return chunks;
}

static void ledger_and_rows_agree_after_any_kill(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    int64_t before = 0;
    for (int round = 0; round < KILLS; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            close(told[0]);
            child_commits(&folder, told[1]);
        }
        close(told[1]);
        usleep((useconds_t)(2000 + (round * 7919) % 40000));
        kill(child, SIGKILL);
        uint32_t unit;
        int64_t acknowledged = before;
        while (read(told[0], &unit, sizeof unit) == sizeof unit)
            acknowledged = (int64_t)unit + 1;
        close(told[0]);
        int status;
        waitpid(child, &status, 0);
        if (!WIFSIGNALED(status))
            fail_msg("the child ended by itself with %d", WEXITSTATUS(status));
        int64_t chunks = check_agreement(&folder);
        assert_true(chunks == acknowledged || chunks == acknowledged + 1);
        before = chunks;
    }
    assert_true(before > 0);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_and_rows_agree_after_any_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
