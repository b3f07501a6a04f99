/* Seeded mutations of compressed CSV files, of every format and in one frame or many: no crash and
 * no reading beyond what is there; what is read is the same at another chunk size; what is refused
 * is the input's fault. */
#include "base/hash.h"
#include "tests/support/compress.h"
#include "tests/support/fuzz.h"
#include "tests/support/sources.h"

enum { ROUNDS = 1500 };

static uint64_t dice;
static unsigned n_read, n_refused;

static uint32_t roll(uint32_t sides)
{
    dice += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(qn_mix64(dice) >> 33) % sides;
}

static void make_text(struct qn_buf *text)
{
    qn_buf_printf(text, "name,n,note\n");
    for (uint32_t i = roll(60); i > 0; i--)
        qn_buf_printf(text, "%c%u,%u,%s\n", 'a' + (int)roll(26), roll(99), roll(1000),
                      roll(4) ? "plain" : "\"two\nlines, \"\"quoted\"\"\"");
}

static void mutate(struct qn_buf *bytes)
{
    for (uint32_t n = roll(4); n > 0 && bytes->len; n--) {
        size_t at = roll(2) ? roll((uint32_t)bytes->len)
                            : bytes->len - 1 - roll((uint32_t)bytes->len) % 40 % bytes->len;
        uint32_t kind = roll(5);
        if (kind == 0)
            bytes->data[at] ^= (uint8_t)(1U << roll(8));
        else if (kind == 1)
            bytes->data[at] = (uint8_t)roll(256);
        else if (kind == 2)
            bytes->len = at;
        else if (kind == 3)
            bytes->data[at] = (uint8_t)(bytes->data[at] + (roll(2) ? 1 : 255));
        else if (qn_buf_reserve(bytes, bytes->len)) { /* a tail twice */
            memcpy(bytes->data + bytes->len, bytes->data + at, bytes->len - at);
            bytes->len += bytes->len - at;
        }
    }
}

static qn_code read_at(const struct qn_source_ops *ops, const struct qn_source_options *options,
                       const struct qn_source_info *info, uint64_t size, struct reading *out)
{
    struct qn_err err = {0};
    reading_init(out);
    qn_code code = read_source(ops, *options, info, size, false, out, &err);
    if (code != QN_OK && err.blame != QN_BLAME_INPUT)
        fail_msg("%s: blame %s", err.message, qn_blame_name(err.blame));
    return code;
}

static void check(const struct qn_source_ops *ops, struct qn_buf *bytes, uint64_t seed)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    qn_arena_init(&arena);
    char *path = make_file(".csv", qn_buf_strv(bytes));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    if (ops->inspect(&options, &arena, &info, &err) == QN_OK) {
        struct reading whole, parts;
        uint64_t size = 1 + roll(300);
        qn_code a = read_at(ops, &options, &info, 1 << 30, &whole);
        qn_code b = read_at(ops, &options, &info, size, &parts);
        char what[40];
        snprintf(what, sizeof what, "seed %" PRIu64, seed);
        if (a == QN_OK && b == QN_OK)
            assert_same_reading(&whole, &parts, what, size);
        n_read += a == QN_OK;
        n_refused += a != QN_OK;
        reading_fini(&whole);
        reading_fini(&parts);
    } else {
        assert_int_equal(err.blame, QN_BLAME_INPUT);
        n_refused++;
    }
    drop_file(path);
    qn_arena_fini(&arena);
}

static void test_mutations(void **state)
{
    (void)state;
    struct fuzz_run run = {0};
    while (fuzz_next(&run, ROUNDS)) {
        dice = run.seed;
        struct qn_buf text, bytes;
        qn_buf_init(&text);
        qn_buf_init(&bytes);
        make_text(&text);
        pack(&bytes, (enum packing)roll(PACKINGS), qn_buf_strv(&text), 1 + roll(400));
        mutate(&bytes);
        check(qn_source_find("csv"), &bytes, run.seed);
        qn_buf_fini(&text);
        qn_buf_fini(&bytes);
    }
    printf("%u files read, %u refused\n", n_read, n_refused);
    assert_true(n_read > run.rounds / 20 && n_refused > run.rounds / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
