#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "flow/bounds.h"

enum { N_TEXTS = 40 };

static void assert_text(bool told, struct qn_buf *buf, const char *want)
{
    if (!want) {
        assert_false(told);
        return;
    }
    assert_true(told);
    assert_int_equal(buf->len, strlen(want));
    assert_memory_equal(buf->data, want, buf->len);
}

static void assert_bounds(const struct qn_bounds *bounds, struct qn_type type, const char *least,
                          const char *greatest)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    assert_text(qn_bounds_min(bounds, type, &buf), &buf, least);
    qn_buf_clear(&buf);
    assert_text(qn_bounds_max(bounds, type, &buf), &buf, greatest);
    qn_buf_fini(&buf);
}

static void integers_and_nulls(void **state)
{
    (void)state;
    int64_t values[] = {5, -3, 9, 100};
    uint64_t validity[] = {7};
    struct qn_column column = {.type = {.id = QN_INT64}, .i64 = values, .validity = validity};
    struct qn_bounds bounds;
    qn_bounds_init(&bounds);
    assert_bounds(&bounds, column.type, NULL, NULL);
    qn_bounds_add(&bounds, &column, 4);
    assert_bounds(&bounds, column.type, "-3", "9");
    assert_int_equal(bounds.nulls, 1);
    column.validity = NULL;
    qn_bounds_add(&bounds, &column, 4);
    assert_bounds(&bounds, column.type, "-3", "100");
}

static void a_nan_tells_nothing(void **state)
{
    (void)state;
    double values[] = {1.5, (double)NAN, -0.0};
    struct qn_column column = {.type = {.id = QN_DOUBLE}, .f64 = values};
    struct qn_bounds bounds;
    qn_bounds_init(&bounds);
    qn_bounds_add(&bounds, &column, 1);
    assert_bounds(&bounds, column.type, "1.5", "1.5");
    qn_bounds_add(&bounds, &column, 3);
    assert_bounds(&bounds, column.type, NULL, NULL);
}

/* Texts shorter and longer than what is kept, alike at the beginning. */
static void make_text(unsigned i, char out[100])
{
    size_t n = i % 3 == 0 ? 70 : i % 3 == 1 ? 64 : 10;
    memset(out, 'a' + (int)(i % 5), 99);
    out[n] = '\0';
    out[n - 1] = (char)('a' + (int)(i % 7));
}

static void add_text(struct qn_bounds *bounds, const char *text)
{
    char bytes[100];
    uint32_t offsets[] = {0, (uint32_t)strlen(text)};
    memcpy(bytes, text, offsets[1]);
    struct qn_column column = {.type = {.id = QN_TEXT}, .bytes = bytes, .offsets = offsets};
    qn_bounds_add(bounds, &column, 1);
}

/* A column of the first n texts, and of short ones between them. */
static void add_all(struct qn_bounds *bounds, unsigned n, struct qn_buf *packed)
{
    static const char *const few[] = {"b", "b\x01", "bb", "d"}; /* neither least nor greatest */
    char bytes[N_TEXTS * 110], text[100];
    uint32_t offsets[2 * N_TEXTS + 1] = {0}, rows = 0;
    for (unsigned i = 0; i < n; i++) {
        make_text(i * 11, text);
        for (int k = 0; k < (i > 5 ? 2 : 1); k++, rows++) {
            const char *one = k ? few[i % 4] : text;
            offsets[rows + 1] = offsets[rows] + (uint32_t)strlen(one);
            memcpy(bytes + offsets[rows], one, strlen(one));
        }
    }
    struct qn_column column = {.type = {.id = QN_TEXT}, .bytes = bytes, .offsets = offsets};
    qn_bounds_init(bounds);
    qn_bounds_add(bounds, &column, rows);
    qn_bounds_pack(bounds, column.type, packed);
}

/* In any order and grouping the same, and never a lie. */
static void texts_merge_in_any_order(void **state)
{
    (void)state;
    const struct qn_type type = {.id = QN_TEXT};
    for (unsigned n = 1; n < N_TEXTS; n++) {
        struct qn_bounds forth, back, half[2];
        struct qn_buf packed[2];
        char text[100], most[100] = "";
        qn_bounds_init(&forth);
        qn_bounds_init(&back);
        qn_bounds_init(&half[0]);
        qn_bounds_init(&half[1]);
        for (unsigned i = 0; i < n; i++) {
            make_text(i * 11, text);
            if (strcmp(text, most) > 0)
                strcpy(most, text);
            add_text(&forth, text);
            add_text(&half[i & 1], text);
            make_text((n - 1 - i) * 11, text);
            add_text(&back, text);
        }
        qn_bounds_merge(&half[1], type, &half[0]);
        qn_buf_init(&packed[0]);
        qn_buf_init(&packed[1]);
        qn_bounds_pack(&forth, type, &packed[0]);
        qn_bounds_pack(&back, type, &packed[1]);
        assert_true(qn_strv_eq(qn_buf_strv(&packed[0]), qn_buf_strv(&packed[1])));
        qn_buf_clear(&packed[1]);
        qn_bounds_pack(&half[1], type, &packed[1]);
        assert_true(qn_strv_eq(qn_buf_strv(&packed[0]), qn_buf_strv(&packed[1])));
        qn_buf_clear(&packed[1]);
        add_all(&half[0], n, &packed[1]);
        assert_true(qn_strv_eq(qn_buf_strv(&packed[0]), qn_buf_strv(&packed[1])));
        qn_buf_clear(&packed[1]);
        if (qn_bounds_max(&forth, type, &packed[1])) {
            qn_buf_put_u8(&packed[1], 0);
            assert_string_equal((const char *)packed[1].data, most);
        } else {
            assert_true(strlen(most) >= QN_BOUND_TEXT);
        }
        qn_buf_fini(&packed[0]);
        qn_buf_fini(&packed[1]);
    }
}

static void packed_bounds_come_back(void **state)
{
    (void)state;
    const struct qn_type type = {.id = QN_TEXT};
    struct qn_bounds bounds, again;
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_bounds_init(&bounds);
    add_text(&bounds, "b");
    add_text(&bounds, "");
    qn_bounds_pack(&bounds, type, &buf);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    qn_bounds_unpack(&in, type, &again);
    assert_int_equal(qn_unpack_end(&in, "bounds", NULL), QN_OK);
    assert_bounds(&again, type, "", "b");
    for (size_t n = 0; n < buf.len; n++) {
        in = qn_unpack_from((struct qn_strv){(const char *)buf.data, n});
        qn_bounds_unpack(&in, type, &again);
        assert_true(in.failed);
    }
    qn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_and_nulls),
        cmocka_unit_test(a_nan_tells_nothing),
        cmocka_unit_test(texts_merge_in_any_order),
        cmocka_unit_test(packed_bounds_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
