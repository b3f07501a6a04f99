/* Encoders against the decoders: what was encoded comes back, whatever its shape. */
#include <string.h>

#include "parquet/delta.h"
#include "parquet/distinct.h"
#include "parquet/encode.h"
#include "parquet/pack.h"
#include "parquet/rle.h"
#include "tests/support/test.h"
#include "tests/unit/wire/random.h"

enum { MOST = 3000, ROUNDS = 400 };

/* Bytes that decoders may read past the end. */
static struct qn_strv with_slack(struct qn_buf *buf)
{
    size_t len = buf->len;
    uint8_t *room = qn_buf_reserve(buf, QN_PQ_SLACK);
    assert_non_null(room);
    memset(room, 0xA5, QN_PQ_SLACK);
    return (struct qn_strv){(const char *)buf->data, len};
}

/* Runs and noise by turns, of numbers that a width holds. */
static uint32_t draw_numbers(struct random *random, unsigned width, uint32_t *out)
{
    uint32_t n = (uint32_t)random_below(random, MOST), run = 0, value = 0;
    uint64_t mask = (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < n; i++) {
        if (run == 0) {
            run = random_below(random, 3) ? 1 : 1 + (uint32_t)random_below(random, 100);
            value = (uint32_t)(random_next(random) & mask);
        }
        run--;
        out[i] = value;
    }
    return n;
}

static void packing_puts_the_lowest_bit_first(void **state)
{
    (void)state;
    struct random random = {1};
    for (unsigned width = 1; width <= 64; width++) {
        uint64_t in[QN_PQ_PACK], out[QN_PQ_PACK];
        uint32_t narrow[QN_PQ_PACK];
        uint8_t bytes[QN_PQ_PACK * 8 + QN_PQ_SLACK] = {0}, same[sizeof bytes] = {0};
        for (unsigned i = 0; i < QN_PQ_PACK; i++) {
            in[i] = random_next(&random) >> (64 - width);
            narrow[i] = (uint32_t)in[i];
        }
        qn_pq_pack64(bytes, in, width);
        qn_pq_unpack64(bytes, 0, width, QN_PQ_PACK, out);
        assert_memory_equal(in, out, sizeof in);
        if (width > 32)
            continue;
        qn_pq_pack32(same, narrow, width);
        assert_memory_equal(bytes, same, sizeof bytes);
    }
}

static void hybrids_come_back(void **state)
{
    (void)state;
    struct random random = {2};
    static uint32_t in[MOST], out[MOST];
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned width = 1 + round % 32;
        uint32_t n = draw_numbers(&random, width, in);
        struct qn_buf buf = {0};
        qn_pq_encode_hybrid(&buf, in, n, width);
        struct qn_pq_rle rle = qn_pq_rle_from(with_slack(&buf), width);
        assert_true(qn_pq_rle_take(&rle, n, out));
        assert_memory_equal(in, out, n * sizeof *in);
        qn_buf_fini(&buf);
    }
}

static void hybrids_of_runs_are_short(void **state)
{
    (void)state;
    static uint32_t same[MOST];
    struct qn_buf buf = {0};
    qn_pq_encode_hybrid(&buf, same, MOST, 20);
    assert_true(buf.len <= 2 + 3);
    qn_buf_fini(&buf);
}

static void bits_come_back(void **state)
{
    (void)state;
    struct random random = {3};
    for (unsigned round = 0; round < ROUNDS; round++) {
        static uint32_t wanted[MOST], out[MOST];
        uint64_t bits[MOST / 64 + 2] = {0};
        uint32_t n = draw_numbers(&random, 1, wanted), from = 0;
        for (uint32_t i = 0; i < n; i++)
            bits[i / 64] |= (uint64_t)wanted[i] << i % 64;
        if (n > 16)
            from = (uint32_t)random_below(&random, n / 8) * 8;
        struct qn_buf buf = {0};
        qn_pq_encode_hybrid_bits(&buf, bits, from, n - from);
        struct qn_pq_rle rle = qn_pq_rle_from(with_slack(&buf), 1);
        assert_true(qn_pq_rle_take(&rle, n - from, out));
        assert_memory_equal(wanted + from, out, (n - from) * sizeof *out);
        qn_buf_fini(&buf);
    }
}

/* Integers of all magnitudes; `narrow`: of 32 bits. */
static int64_t draw_integer(struct random *random, bool narrow, unsigned shape, uint32_t i)
{
    uint64_t any = random_next(random);
    int64_t value = shape == 0   ? (int64_t)any
                    : shape == 1 ? (int64_t)(i * 1000 + any % 9)
                    : shape == 2 ? (any & 1 ? INT64_MAX : INT64_MIN)
                                 : (int64_t)(any >> any % 64);
    return narrow ? (int32_t)(shape == 2 ? value >> 32 : value) : value;
}

static void deltas_come_back(void **state)
{
    (void)state;
    struct random random = {4};
    static int64_t in[MOST], out[MOST];
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool narrow = round & 1;
        uint32_t n = round < 8 ? round / 2 : (uint32_t)random_below(&random, MOST);
        for (uint32_t i = 0; i < n; i++)
            in[i] = draw_integer(&random, narrow, round / 2 % 4, i);
        struct qn_buf buf = {0};
        struct qn_pq_delta delta;
        qn_pq_encode_delta(&buf, in, n, narrow);
        assert_true(qn_pq_delta_open(&delta, with_slack(&buf)));
        assert_int_equal(delta.left, n);
        assert_true(qn_pq_delta_take(&delta, n, out));
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(in[i], narrow ? (int32_t)out[i] : out[i]);
        assert_true(qn_pq_delta_pass(&delta));
        assert_ptr_equal(delta.at, buf.data + buf.len);
        qn_buf_fini(&buf);
    }
}

static void splitting_puts_byte_k_in_stream_k(void **state)
{
    (void)state;
    struct random random = {5};
    for (uint32_t n = 0; n < 40; n++) {
        uint64_t in[40];
        struct qn_buf buf = {0};
        for (uint32_t i = 0; i < n; i++)
            in[i] = random_next(&random);
        qn_pq_encode_split(&buf, in, n);
        assert_int_equal(buf.len, n * 8);
        for (uint32_t i = 0; i < n; i++)
            for (unsigned k = 0; k < 8; k++)
                assert_int_equal(buf.data[k * n + i], (uint8_t)(in[i] >> 8 * k));
        qn_buf_fini(&buf);
    }
}

/* --- dictionaries ---------------------------------------------------------------------------- */

static void numbers_go_by_first_appearance(void **state)
{
    (void)state;
    struct qn_pq_distinct d = {0};
    static uint64_t words[MOST];
    struct random random = {6};
    for (uint32_t n_values = 1; n_values < 2000; n_values = n_values * 3 + 1) {
        uint32_t next = 0;
        for (uint32_t i = 0; i < MOST; i++)
            words[i] = random_below(&random, n_values) << (n_values % 2 ? 40 : 0);
        assert_true(qn_pq_distinct_ints(&d, (const int64_t *)words, MOST, MOST, 0,
                                        (int64_t)(UINT64_C(2000) << 40)));
        const uint32_t *indexes = (const uint32_t *)(const void *)d.indexes.data;
        const uint32_t *firsts = (const uint32_t *)(const void *)d.firsts.data;
        for (uint32_t i = 0; i < MOST; i++) {
            assert_true(indexes[i] <= next);
            assert_int_equal(words[firsts[indexes[i]]], words[i]);
            next += indexes[i] == next;
        }
        assert_int_equal(next, d.n);
    }
    qn_pq_distinct_fini(&d);
}

static void too_many_are_refused_and_estimates_are_near(void **state)
{
    (void)state;
    enum { N = 100000 };
    static uint64_t words[N];
    struct qn_pq_distinct d = {0};
    struct random random = {7};
    for (uint32_t i = 0; i < N; i++)
        words[i] = random_below(&random, 20000);
    assert_false(qn_pq_distinct_words(&d, words, N, 10000));
    uint32_t about = qn_pq_distinct_estimate_words(words, N);
    assert_in_range(about, 14000, 28000);
    for (uint32_t i = 0; i < N; i++)
        words[i] = i;
    assert_true(qn_pq_distinct_estimate_words(words, N) > N / 2);
    qn_pq_distinct_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_puts_the_lowest_bit_first),
        cmocka_unit_test(hybrids_come_back),
        cmocka_unit_test(hybrids_of_runs_are_short),
        cmocka_unit_test(bits_come_back),
        cmocka_unit_test(deltas_come_back),
        cmocka_unit_test(splitting_puts_byte_k_in_stream_k),
        cmocka_unit_test(numbers_go_by_first_appearance),
        cmocka_unit_test(too_many_are_refused_and_estimates_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
