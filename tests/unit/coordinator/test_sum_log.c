/* What units gave comes back until something is wrong with it; a new stretch takes the place of the
 * old one, whatever lies behind it. */
#include <fcntl.h>

#include "coordinator/sum_log.h"
#include "tests/support/warehouse.h"

enum { KEY = 7 };

static struct qn_err err;

static struct qn_sum_log *open_log(const char *path, uint64_t key)
{
    struct qn_sum_log *log = NULL;
    assert_ok(qn_sum_log_open(path, key, &log, &err), &err);
    return log;
}

static void put(struct qn_sum_log *log, uint32_t round, uint32_t unit, const char *text)
{
    struct qn_strv part = qn_strv_from(text);
    assert_ok(qn_sum_log_put(log, round, unit, part, qn_hash128(part.data, part.len, 0), &err),
              &err);
}

static void expect(const struct qn_sum_log *log, uint32_t round, uint32_t unit, const char *text)
{
    struct qn_buf part;
    qn_buf_init(&part);
    assert_true(qn_sum_log_has(log, round, unit));
    assert_ok(qn_sum_log_get(log, round, unit, &part, &err), &err);
    assert_true(qn_strv_is(qn_buf_strv(&part), text));
    qn_buf_fini(&part);
}

static void expect_first(const struct qn_sum_log *log, bool any, uint32_t round)
{
    uint32_t first;
    assert_int_equal(qn_sum_log_first(log, &first), any);
    assert_true(!any || first == round);
}

static void units_come_back_in_any_order(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.sums");
    struct qn_sum_log *log = open_log(path, KEY);
    expect_first(log, false, 0);
    put(log, 5, 2, "two");
    put(log, 5, 0, "");
    put(log, 6, 1, "next");
    put(log, 5, 2, "twice"); /* it has it */
    for (int life = 0; life < 2; life++) {
        expect_first(log, true, 5);
        expect(log, 5, 2, "two");
        expect(log, 5, 0, "");
        expect(log, 6, 1, "next");
        assert_false(qn_sum_log_has(log, 5, 1));
        assert_false(qn_sum_log_has(log, 7, 2));
        if (life == 1)
            expect(log, 6, 0, "more");
        qn_sum_log_close(log);
        log = open_log(path, KEY);
        put(log, 6, 0, "more");
    }
    qn_sum_log_close(log);
    log = open_log(path, KEY + 1); /* of other inputs */
    expect_first(log, false, 0);
    put(log, 0, 0, "new");
    qn_sum_log_close(log);
    log = open_log(path, KEY);
    expect_first(log, false, 0);
    qn_sum_log_close(log);
    folder_remove(&folder);
}

/* Records of the same size, so that those of the old stretch lie where the next ones would. */
static void a_new_stretch_hides_the_old_one(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.sums");
    struct qn_sum_log *log = open_log(path, KEY);
    for (uint32_t unit = 0; unit < 4; unit++)
        put(log, 1, unit, "old");
    for (int life = 0; life < 2; life++) {
        qn_sum_log_restart(log);
        expect_first(log, false, 0);
        assert_false(qn_sum_log_has(log, 1, 3));
        put(log, 2, 0, "new");
        put(log, 2, 3, "new");
        qn_sum_log_close(log);
        log = open_log(path, KEY);
        expect_first(log, true, 2);
        expect(log, 2, 0, "new");
        expect(log, 2, 3, "new");
        for (uint32_t unit = 0; unit < 4; unit++)
            assert_false(qn_sum_log_has(log, 1, unit));
    }
    qn_sum_log_close(log);
    folder_remove(&folder);
}

/* As a kill in the middle of a write leaves it, and a disk that forgets a bit. */
static void what_is_damaged_ends_it(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    const char *path = folder_file(&folder, "0-1.sums");
    enum { START = 16, RECORD = 48 + 5 };
    for (off_t at = 0; at < START + 2 * RECORD; at++) {
        uint8_t byte;
        remove(path);
        struct qn_sum_log *log = open_log(path, KEY);
        put(log, 3, 0, "first");
        put(log, 3, 1, "later");
        qn_sum_log_close(log);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        log = open_log(path, KEY);
        assert_int_equal(qn_sum_log_has(log, 3, 0), at >= START + RECORD);
        assert_false(qn_sum_log_has(log, 3, 1));
        put(log, 3, 1, "again");
        expect(log, 3, 1, "again");
        qn_sum_log_close(log);
        if (at % 7)
            continue;
        assert_int_equal(truncate(path, at), 0); /* and cut there */
        log = open_log(path, KEY);
        assert_false(qn_sum_log_has(log, 3, 1) && at < START + RECORD);
        qn_sum_log_close(log);
    }
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_come_back_in_any_order),
        cmocka_unit_test(a_new_stretch_hides_the_old_one),
        cmocka_unit_test(what_is_damaged_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
