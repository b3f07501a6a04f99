/* Blocks come back as they were, hold exactly what they say, and do not depend on earlier ones. */
#include "codec/block.h"

#include <stdlib.h>

#include "base/hash.h"
#include "tests/support/test.h"

static const enum qn_block_codec codecs[] = {QN_BLOCK_NONE, QN_BLOCK_SNAPPY, QN_BLOCK_GZIP,
                                             QN_BLOCK_ZSTD, QN_BLOCK_LZ4};
enum { N_CODECS = sizeof codecs / sizeof codecs[0], MAX_BYTES = 70000 };

static char *make_bytes(size_t n, uint64_t seed)
{
    char *bytes = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(qn_mix64(seed + i / 7) % 5 + 'a');
    return bytes;
}

static void test_round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 100, 4096, MAX_BYTES};
    struct qn_block_state kept = {0};
    struct qn_err err = {0};
    char *out = malloc(MAX_BYTES + 1);
    for (size_t c = 0; c < N_CODECS; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int level = 0; level <= (qn_block_max_level(codecs[c]) ? 2 : 0); level++) {
                char *bytes = make_bytes(sizes[s], s);
                struct qn_buf block;
                qn_buf_init(&block);
                assert_ok(qn_block_compress(&kept, codecs[c], level,
                                            (struct qn_strv){bytes, sizes[s]}, &block, &err),
                          &err);
                assert_ok(
                    qn_block_decompress(&kept, codecs[c], qn_buf_strv(&block), out, sizes[s], &err),
                    &err);
                assert_memory_equal(out, bytes, sizes[s]);
                /* One byte more or less than it holds is not what it holds. */
                assert_int_equal(qn_block_decompress(&kept, codecs[c], qn_buf_strv(&block), out,
                                                     sizes[s] + 1, &err),
                                 QN_EINPUT);
                if (sizes[s])
                    assert_int_equal(qn_block_decompress(&kept, codecs[c], qn_buf_strv(&block), out,
                                                         sizes[s] - 1, &err),
                                     QN_EINPUT);
                qn_buf_fini(&block);
                free(bytes);
            }
    free(out);
    qn_block_state_fini(&kept);
}

/* What was compressed before leaves no trace, whatever the state went through. */
static void test_same_bytes_same_block(void **state)
{
    (void)state;
    struct qn_block_state kept = {0};
    struct qn_err err = {0};
    char *bytes = make_bytes(5000, 1);
    for (size_t c = 0; c < N_CODECS; c++) {
        struct qn_buf first, again;
        qn_buf_init(&first);
        qn_buf_init(&again);
        struct qn_strv text = {bytes, 5000}, other = {bytes + 11, 900};
        assert_ok(qn_block_compress(&kept, codecs[c], 0, text, &first, &err), &err);
        assert_ok(qn_block_compress(&kept, codecs[c], 1, other, &again, &err), &err);
        qn_buf_clear(&again);
        assert_ok(qn_block_compress(&kept, codecs[c], 0, text, &again, &err), &err);
        assert_int_equal(first.len, again.len);
        assert_memory_equal(first.data, again.data, first.len);
        qn_buf_fini(&first);
        qn_buf_fini(&again);
    }
    free(bytes);
    qn_block_state_fini(&kept);
}

static void test_gzip_members(void **state)
{
    (void)state;
    struct qn_block_state kept = {0};
    struct qn_err err = {0};
    struct qn_buf block;
    qn_buf_init(&block);
    assert_ok(qn_block_compress(&kept, QN_BLOCK_GZIP, 0, QN_STRV_LIT("first,"), &block, &err),
              &err);
    assert_ok(qn_block_compress(&kept, QN_BLOCK_GZIP, 9, QN_STRV_LIT("second"), &block, &err),
              &err);
    char out[12];
    assert_ok(qn_block_decompress(&kept, QN_BLOCK_GZIP, qn_buf_strv(&block), out, 12, &err), &err);
    assert_memory_equal(out, "first,second", 12);
    qn_buf_put(&block, "junk", 4);
    assert_int_equal(qn_block_decompress(&kept, QN_BLOCK_GZIP, qn_buf_strv(&block), out, 12, &err),
                     QN_EINPUT);
    qn_buf_fini(&block);
    qn_block_state_fini(&kept);
}

/* The old number stands for three ways to write LZ4. */
static void test_framed_lz4(void **state)
{
    (void)state;
    struct qn_block_state kept = {0};
    struct qn_err err = {0};
    struct qn_buf plain, framed;
    qn_buf_init(&plain);
    qn_buf_init(&framed);
    struct qn_strv text = QN_STRV_LIT("abcabcabcabcabcabcabcabc");
    assert_ok(qn_block_compress(&kept, QN_BLOCK_LZ4, 0, text, &plain, &err), &err);
    for (int i = 0; i < 2; i++) {
        const uint8_t sizes[8] = {0, 0, 0, (uint8_t)text.len, 0, 0, 0, (uint8_t)plain.len};
        qn_buf_put(&framed, sizes, 8);
        qn_buf_put(&framed, plain.data, plain.len);
    }
    char out[48];
    assert_ok(
        qn_block_decompress(&kept, QN_BLOCK_LZ4_FRAMED, qn_buf_strv(&plain), out, text.len, &err),
        &err);
    assert_memory_equal(out, text.data, text.len);
    assert_ok(qn_block_decompress(&kept, QN_BLOCK_LZ4_FRAMED, qn_buf_strv(&framed), out,
                                  2 * text.len, &err),
              &err);
    assert_memory_equal(out + text.len, text.data, text.len);
    framed.len--;
    assert_int_equal(qn_block_decompress(&kept, QN_BLOCK_LZ4_FRAMED, qn_buf_strv(&framed), out,
                                         2 * text.len, &err),
                     QN_EINPUT);
    qn_buf_fini(&plain);
    qn_buf_fini(&framed);
    qn_block_state_fini(&kept);
}

/* Damaged blocks are refused or give other bytes of the same number; nothing else happens. */
static void test_damage(void **state)
{
    (void)state;
    struct qn_block_state kept = {0};
    struct qn_err err = {0};
    char *bytes = make_bytes(3000, 3), *out = malloc(3000);
    for (size_t c = 0; c < N_CODECS; c++) {
        struct qn_buf block;
        qn_buf_init(&block);
        assert_ok(
            qn_block_compress(&kept, codecs[c], 0, (struct qn_strv){bytes, 3000}, &block, &err),
            &err);
        for (uint64_t seed = 0; seed < 500; seed++) {
            uint64_t at = qn_mix64(seed) % block.len;
            uint8_t before = block.data[at];
            block.data[at] ^= (uint8_t)(1 + qn_mix64(seed ^ 77) % 255);
            qn_code code =
                qn_block_decompress(&kept, codecs[c], qn_buf_strv(&block), out, 3000, &err);
            assert_true(code == QN_OK || code == QN_EINPUT);
            struct qn_strv cut = {(const char *)block.data, at};
            assert_int_equal(qn_block_decompress(&kept, codecs[c], cut, out, 3000, &err),
                             QN_EINPUT);
            block.data[at] = before;
        }
        qn_buf_fini(&block);
    }
    free(bytes);
    free(out);
    qn_block_state_fini(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_same_bytes_same_block),
        cmocka_unit_test(test_gzip_members), cmocka_unit_test(test_framed_lz4),
        cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
