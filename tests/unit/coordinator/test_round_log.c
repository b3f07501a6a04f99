/* Rounds come back as they were put, up to the first byte that is wrong; then the log goes on. */
#include <fcntl.h>
#include <sys/stat.h>

#include "coordinator/round_log.h"
#include "tests/support/warehouse.h"

enum { KEY = 7 };

static struct qn_err err;

static struct qn_round_log *open_log(const char *path, uint64_t key)
{
    struct qn_round_log *log = NULL;
    assert_ok(qn_round_log_open(path, key, &log, &err), &err);
    return log;
}

/* What stays of the state before is none of the log's business. */
static void put(struct qn_round_log *log, uint32_t round, enum qn_round_kind kind, const char *text)
{
    const struct qn_round_record record = {round, kind, round * 3, qn_strv_from(text)};
    assert_ok(qn_round_log_put(log, &record, record.bytes, &err), &err);
}

static void expect(struct qn_round_log *log, uint32_t round, enum qn_round_kind kind,
                   const char *text)
{
    struct qn_round_record record;
    assert_ok(qn_round_log_next(log, &record, &err), &err);
    assert_int_equal(record.round, round);
    assert_int_equal(record.kind, kind);
    assert_int_equal(record.kept, round * 3);
    assert_true(qn_strv_is(record.bytes, text));
}

static void expect_end(struct qn_round_log *log)
{
    struct qn_round_record record;
    assert_int_equal(qn_round_log_next(log, &record, &err), QN_ENOTFOUND);
}

static void write_three(const char *path)
{
    struct qn_round_log *log = open_log(path, KEY);
    expect_end(log);
    put(log, 0, QN_ROUND_REPEAT, "first");
    put(log, 1, QN_ROUND_REPEAT, "");
    put(log, 2, QN_ROUND_LAST, "third");
    qn_round_log_close(log);
}

static void what_was_put_comes_back_and_more_can_follow(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.rounds");
    write_three(path);
    for (int life = 0; life < 2; life++) {
        struct qn_round_log *log = open_log(path, KEY);
        expect(log, 0, QN_ROUND_REPEAT, "first");
        expect(log, 1, QN_ROUND_REPEAT, "");
        expect(log, 2, QN_ROUND_LAST, "third");
        if (life == 1)
            expect(log, 3, QN_ROUND_LAST, "more");
        expect_end(log);
        if (life == 0)
            put(log, 3, QN_ROUND_LAST, "more");
        qn_round_log_close(log);
    }
    folder_remove(&folder);
}

/* Of other inputs, or no log at all. */
static void a_log_of_another_key_counts_as_none(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.rounds");
    write_three(path);
    struct qn_round_log *log = open_log(path, KEY + 1);
    expect_end(log);
    put(log, 0, QN_ROUND_REPEAT, "new");
    qn_round_log_close(log);
    log = open_log(path, KEY + 1);
    expect(log, 0, QN_ROUND_REPEAT, "new");
    expect_end(log);
    qn_round_log_close(log);
    folder_remove(&folder);
}

static uint32_t count_records(const char *path)
{
    struct qn_round_log *log = open_log(path, KEY);
    struct qn_round_record record;
    static const char *const texts[] = {"first", "", "third"};
    uint32_t n = 0;
    qn_code code;
    while ((code = qn_round_log_next(log, &record, &err)) == QN_OK) {
        assert_true(n < 3);
        assert_int_equal(record.round, n);
        assert_true(qn_strv_is(record.bytes, texts[n++]));
    }
    assert_int_equal(code, QN_ENOTFOUND);
    put(log, n, QN_ROUND_LAST, n < 3 ? texts[n] : "fourth"); /* it goes on from there */
    qn_round_log_close(log);
    return n;
}

static off_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* Wherever it was cut off or damaged, the records ahead of that place are good, and no other. */
static void a_tail_that_is_cut_or_damaged_was_never_written(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.rounds");
    write_three(path);
    const off_t whole = size_of(path), ends[] = {16 + 32 + 5, 16 + 32 + 5 + 32, whole};
    for (off_t at = 0; at < whole; at++) {
        uint32_t good = at < 16 ? 0 : at < ends[0] ? 0 : at < ends[1] ? 1 : 2;
        unlink(path);
        write_three(path);
        assert_int_equal(truncate(path, at), 0);
        assert_int_equal(count_records(path), good);
        unlink(path);
        write_three(path);
        int fd = open(path, O_RDWR);
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x40;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        assert_int_equal(count_records(path), good);
    }
    folder_remove(&folder);
}

/* Of states that take each other's place the file keeps what it must, not all there ever were. */
static void a_log_of_whole_states_does_not_grow_for_ever(void **state)
{
    (void)state;
    enum { STATE_BYTES = 1 << 20, ROUNDS = 50 };
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.rounds");
    char *text = malloc(STATE_BYTES + 1);
    struct qn_round_log *log = open_log(path, KEY);
    expect_end(log);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memset(text, 'a' + (int)(round % 26), STATE_BYTES);
        text[STATE_BYTES] = '\0';
        put(log, round, QN_ROUND_REPEAT, text);
        assert_in_range(size_of(path), 1, 18 << 20);
    }
    qn_round_log_close(log);
    struct qn_round_record record = {0};
    log = open_log(path, KEY);
    while (qn_round_log_next(log, &record, &err) == QN_OK && record.round + 1 < ROUNDS) {
    }
    assert_int_equal(record.round, ROUNDS - 1);
    assert_true(qn_strv_is(record.bytes, text));
    qn_round_log_close(log);
    free(text);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_comes_back_and_more_can_follow),
        cmocka_unit_test(a_log_of_another_key_counts_as_none),
        cmocka_unit_test(a_tail_that_is_cut_or_damaged_was_never_written),
        cmocka_unit_test(a_log_of_whole_states_does_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
