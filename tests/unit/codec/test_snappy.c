/* Bodies made of random pieces, beside what a reader that knows nothing of speed makes of them. */
#include "codec/snappy.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "tests/support/test.h"

enum { N_BODIES = 500, MAX_PIECES = 400 };

struct body {
    struct qn_buf in, out; /* what it becomes */
    uint64_t seed;
};

static uint64_t draw(struct body *body, uint64_t n)
{
    return qn_mix64(body->seed++) % n;
}

static void put_little(struct qn_buf *out, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        qn_buf_put_u8(out, (uint8_t)(value >> (8 * i)));
}

static void put_literal(struct body *body)
{
    size_t n = draw(body, 40) ? 1 + draw(body, 60) : 1 + draw(body, 70000);
    size_t n_bytes = n <= 60 ? 0 : 1 + draw(body, 4);
    while (n_bytes && n_bytes < 4 && (n - 1) >> (8 * n_bytes))
        n_bytes++;
    qn_buf_put_u8(&body->in, (uint8_t)((n_bytes ? 59 + n_bytes : n - 1) << 2));
    put_little(&body->in, n - 1, n_bytes);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)draw(body, 256);
        qn_buf_put_u8(&body->in, byte);
        qn_buf_put_u8(&body->out, byte);
    }
}

/* Near ones most of the time: that is where bytes repeat. */
static void put_copy(struct body *body)
{
    size_t had = body->out.len, most = draw(body, 3) && had > 20 ? 20 : had;
    size_t offset = 1 + draw(body, most), length;
    if (offset < 2048 && draw(body, 2)) {
        length = 4 + draw(body, 8);
        qn_buf_put_u8(&body->in, (uint8_t)(1 | (length - 4) << 2 | offset >> 8 << 5));
        put_little(&body->in, offset, 1);
    } else {
        size_t n_bytes = offset < 65536 && draw(body, 2) ? 2 : 4;
        length = 1 + draw(body, 64);
        qn_buf_put_u8(&body->in, (uint8_t)((n_bytes == 2 ? 2 : 3) | (length - 1) << 2));
        put_little(&body->in, offset, n_bytes);
    }
    for (size_t i = 0; i < length; i++)
        qn_buf_put_u8(&body->out, body->out.data[body->out.len - offset]);
}

static void make_body(struct body *body, uint64_t seed)
{
    *body = (struct body){.seed = seed << 32};
    qn_buf_init(&body->in);
    qn_buf_init(&body->out);
    for (uint64_t left = draw(body, seed % 10 ? 40 : MAX_PIECES); left-- > 0;)
        if (body->out.len && draw(body, 3))
            put_copy(body);
        else
            put_literal(body);
}

static void free_body(struct body *body)
{
    qn_buf_fini(&body->in);
    qn_buf_fini(&body->out);
}

/* In room of exactly n bytes each, so that a sanitizer sees a byte too much on either side. */
static bool reads(const uint8_t *in, size_t n_in, size_t n_out, const uint8_t *expected)
{
    char *body = malloc(n_in + !n_in), *out = malloc(n_out + !n_out);
    if (n_in)
        memcpy(body, in, n_in);
    bool whole = qn_snappy_read((struct qn_strv){body, n_in}, out, n_out);
    if (whole && expected && n_out)
        assert_memory_equal(out, expected, n_out);
    free(body);
    free(out);
    return whole;
}

static void test_all_pieces(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_BODIES; seed++) {
        struct body body;
        make_body(&body, seed);
        assert_true(reads(body.in.data, body.in.len, body.out.len, body.out.data));
        assert_false(reads(body.in.data, body.in.len, body.out.len + 1, NULL));
        if (body.out.len) {
            assert_false(reads(body.in.data, body.in.len, body.out.len - 1, NULL));
            assert_false(reads(body.in.data, body.in.len - 1, body.out.len, NULL));
        }
        free_body(&body);
    }
}

static void test_damage(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < N_BODIES; seed++) {
        struct body body;
        make_body(&body, seed);
        for (int i = 0; i < 5 && body.in.len; i++) {
            body.in.data[draw(&body, body.in.len)] ^= (uint8_t)(1 + draw(&body, 255));
            (void)reads(body.in.data, body.in.len, body.out.len, NULL);
            (void)reads(body.in.data, draw(&body, body.in.len), body.out.len, NULL);
        }
        free_body(&body);
    }
}

static void test_lengths(void **state)
{
    (void)state;
    const struct {
        struct qn_strv block;
        bool good;
        size_t n;
    } cases[] = {
        {QN_STRV_LIT(""), false, 0},
        {QN_STRV_LIT("\x80"), false, 0},
        {QN_STRV_LIT("\x05"), true, 5},
        {QN_STRV_LIT("\xac\x02"), true, 300},
        {QN_STRV_LIT("\xff\xff\xff\xff\x0f"), true, UINT32_MAX},
        {QN_STRV_LIT("\xff\xff\xff\xff\x1f"), false, 0},
        {QN_STRV_LIT("\xff\xff\xff\xff\xff\x01"), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_strv body;
        size_t n = 0;
        assert_int_equal(qn_snappy_open(cases[i].block, &n, &body), cases[i].good);
        if (cases[i].good) {
            assert_int_equal(n, cases[i].n);
            assert_int_equal(body.len, 0);
        }
    }
    /* A copy from before the first byte, and one of no distance. */
    assert_false(reads((const uint8_t *)"\x00"
                                        "a\x05\x02",
                       4, 6, NULL));
    assert_false(reads((const uint8_t *)"\x00"
                                        "a\x05\x00",
                       4, 6, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pieces),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
