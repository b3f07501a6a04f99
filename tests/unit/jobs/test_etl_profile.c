/* Profiles: the same texts however rows are cut into tasks and batches and in whatever order the
 * parts are merged; exact where that is promised; damaged parts refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs/etl/profile.h"
#include "tests/support/test.h"

enum { ROWS = 6000, PARTS = 7, N_KINDS = 40 };
enum { ID, KIND, FINE, WIDE, REAL, DAY, FLAG, LONG, N_COLUMNS };

static struct qn_err err;
static struct qn_field fields[N_COLUMNS] = {
    [ID] = {.name = "id", .type = {.id = QN_TEXT}},
    [KIND] = {.name = "kind", .type = {.id = QN_TEXT}},
    [FINE] = {.name = "fine", .type = {.id = QN_DECIMAL, .precision = 8, .scale = 2}},
    [WIDE] = {.name = "wide", .type = {.id = QN_INT64}},
    [REAL] = {.name = "real", .type = {.id = QN_DOUBLE}},
    [DAY] = {.name = "day", .type = {.id = QN_DATE}},
    [FLAG] = {.name = "flag", .type = {.id = QN_BOOL}},
    [LONG] = {.name = "long", .type = {.id = QN_TEXT}},
};
static const struct qn_schema schema = {.fields = fields, .n_fields = N_COLUMNS};

/* --- rows ------------------------------------------------------------------------------------ */

/* Of skewed frequency: kind k comes about 1 / (k + 1) as often as kind 0. */
static uint32_t kind_of(uint64_t row)
{
    uint64_t h = qn_mix64(row);
    return (uint32_t)(h % N_KINDS % (1 + (h >> 20) % N_KINDS));
}

/* Far apart and of both signs: added as doubles, their sum would depend on the order. */
static double real_of(uint64_t row)
{
    static const double scales[] = {1e-300, 1e-80, 1e-3, 1, 1e9, 1e100};
    return (row % 2 ? 1.37 : -0.91) * (double)(qn_mix64(row) >> 20) * scales[qn_mix64(~row) % 6];
}

static void put_text(struct qn_batch_builder *builder, uint32_t column, const char *prefix,
                     int digits, uint64_t number)
{
    char text[320];
    snprintf(text, sizeof text, "%s%0*lu", prefix, digits, number);
    qn_builder_text(builder, column, qn_strv_from(text));
}

static void put_row(struct qn_batch_builder *builder, uint64_t row)
{
    uint64_t h = qn_mix64(row + ROWS);
    put_text(builder, ID, "customer-", 6, row);
    if (row % 9)
        put_text(builder, KIND, "kind ", 1, kind_of(row));
    if (row % 5)
        qn_builder_i64(builder, FINE, (int64_t)(h % 700) - 350);
    qn_builder_i64(builder, WIDE, (int64_t)h);
    if (row % 3)
        qn_builder_f64(builder, REAL, real_of(row));
    qn_builder_i64(builder, DAY, 20000 + (int64_t)(h % 3000));
    if (row % 4)
        qn_builder_bool(builder, FLAG, h & 1);
    put_text(builder, LONG, "", 290, h % 3); /* differ past what is kept */
    assert_ok(qn_builder_row(builder, &err), &err);
}

/* --- profiles -------------------------------------------------------------------------------- */

/* The kinds as a reader's dictionary would give them. */
static void encode(struct qn_arena *arena, struct qn_column *column, uint32_t n_rows)
{
    struct qn_dictionary *dictionary = QN_NEW(arena, struct qn_dictionary);
    struct qn_strv *texts = QN_NEW_ARRAY(arena, struct qn_strv, N_KINDS + 1);
    uint16_t *codes = QN_NEW_ARRAY(arena, uint16_t, n_rows);
    *dictionary = (struct qn_dictionary){.id = 1, .n = 1, .texts = texts};
    for (uint32_t row = 0; row < n_rows; row++) {
        uint16_t code = 1;
        if (!qn_is_valid(column, row))
            continue;
        while (code < dictionary->n && !qn_strv_eq(texts[code], qn_text_at(column, row)))
            code++;
        texts[code] = qn_text_at(column, row);
        dictionary->n = code == dictionary->n ? dictionary->n + 1u : dictionary->n;
        codes[row] = code;
    }
    column->codes = codes;
    column->dictionary = dictionary;
}

/* Rows [first, end) in batches, as a task sees them. */
static void add_rows(struct qn_profile *profile, uint64_t first, uint64_t end, uint32_t batch_rows,
                     bool coded)
{
    struct qn_arena arena;
    struct qn_task_in in = {.seed = 11};
    struct qn_etl_step_ctx ctx = {.in = &in, .arena = &arena};
    struct qn_batch_builder *builder;
    uint32_t origin[ROWS];
    qn_arena_init(&arena);
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (uint64_t row = first; row < end;) {
        struct qn_batch batch;
        qn_builder_clear(builder);
        qn_arena_clear(&arena);
        for (uint32_t i = 0; i < batch_rows && row < end; i++, row++) {
            origin[i] = (uint32_t)row;
            put_row(builder, row);
        }
        qn_builder_batch(builder, &batch);
        batch.origin = origin;
        if (coded)
            encode(&arena, &batch.columns[KIND], batch.n_rows);
        assert_ok(qn_profile_add(profile, &ctx, &batch, &err), &err);
    }
    qn_builder_free(builder);
    qn_arena_fini(&arena);
}

static void pack(struct qn_profile *profile, struct qn_buf *buf)
{
    qn_buf_init(buf);
    assert_ok(qn_profile_pack(profile, buf, &err), &err);
}

/* Parts of `rows` rows packed, then merged in an order by `turn`. */
static void profile_cut(struct qn_profile *merged, uint32_t rows, uint32_t n_parts, uint32_t turn)
{
    struct qn_buf parts[PARTS];
    for (uint32_t p = 0; p < n_parts; p++) {
        struct qn_profile part;
        assert_ok(qn_profile_init(&part, &schema, &err), &err);
        add_rows(&part, (uint64_t)rows * p / n_parts, (uint64_t)rows * (p + 1) / n_parts,
                 37 + 900 * turn, (p + turn) % 2);
        pack(&part, &parts[p]);
        qn_profile_fini(&part);
    }
    assert_ok(qn_profile_init(merged, &schema, &err), &err);
    for (uint32_t i = 0; i < n_parts; i++) {
        struct qn_buf *part = &parts[turn % 2 ? n_parts - 1 - i : (i + turn) % n_parts];
        struct qn_unpack in = qn_unpack_from(qn_buf_strv(part));
        assert_ok(qn_profile_merge(merged, &in, &err), &err);
        assert_ok(qn_unpack_end(&in, "a profile", &err), &err);
        qn_buf_fini(part);
    }
}

/* Everything the profile says. */
static char *texts_of(struct qn_profile *profile)
{
    struct qn_findings findings = {0};
    struct qn_arena arena;
    struct qn_buf all;
    qn_arena_init(&arena);
    qn_buf_init(&all);
    findings.arena = &arena;
    assert_ok(qn_profile_report(profile, &findings, &err), &err);
    for (uint32_t c = 0; c < findings.n_profiles; c++) {
        const struct qn_profile_finding *p = &findings.profiles[c];
        qn_buf_printf(&all, "%s %s %lu %lu %lu %d %a %a [%s, %s] %s %s\n", p->column, p->type,
                      p->rows, p->nulls, p->distinct_count, p->distinct_approximate, p->mean,
                      p->stddev, p->min, p->max, p->quantiles ? p->quantiles : "-", p->top_values);
    }
    qn_buf_put_u8(&all, 0);
    qn_arena_fini(&arena);
    return (char *)all.data;
}

/* Few rows and many: with all distinct values counted, and past that; all rows sampled, or some. */
static void test_cuts_do_not_matter(void **state)
{
    (void)state;
    for (uint32_t rows = 900; rows <= ROWS; rows += ROWS - 900) {
        char *first = NULL;
        for (uint32_t n = 1; n <= PARTS; n++)
            for (uint32_t turn = 0; turn < 4; turn++) {
                struct qn_profile profile;
                profile_cut(&profile, rows, n, turn);
                char *texts = texts_of(&profile);
                if (first)
                    assert_string_equal(texts, first);
                else
                    first = strdup(texts);
                free(texts);
                qn_profile_fini(&profile);
            }
        free(first);
    }
}

/* --- what it says ---------------------------------------------------------------------------- */

static void test_top_values(void **state)
{
    (void)state;
    struct qn_profile profile;
    struct qn_findings findings = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    findings.arena = &arena;
    profile_cut(&profile, ROWS, 3, 1);
    assert_ok(qn_profile_report(&profile, &findings, &err), &err);

    uint64_t counts[N_KINDS] = {0};
    for (uint64_t row = 0; row < ROWS; row++)
        counts[kind_of(row)] += row % 9 != 0;
    char expected[256] = "[";
    for (int k = 0; k < 5; k++) {
        uint32_t best = 0;
        char name[32], best_name[32];
        for (uint32_t kind = 1; kind < N_KINDS; kind++) {
            snprintf(name, sizeof name, "kind %u", kind);
            snprintf(best_name, sizeof best_name, "kind %u", best);
            if (counts[kind] > counts[best] ||
                (counts[kind] == counts[best] && strcmp(name, best_name) < 0))
                best = kind;
        }
        size_t at = strlen(expected);
        snprintf(expected + at, sizeof expected - at, "%s[\"kind %u\",%lu]", k ? "," : "", best,
                 counts[best]);
        counts[best] = 0;
    }
    strcat(expected, "]");
    assert_string_equal(findings.profiles[KIND].top_values, expected);
    /* Three texts that look alike once they are cut are still three. */
    assert_int_equal(findings.profiles[LONG].distinct_count, 3);
    const char *second = strstr(findings.profiles[LONG].top_values + 2, "],[");
    assert_non_null(second);
    assert_non_null(strstr(second + 1, "],["));
    /* No id is frequent. */
    assert_true(findings.profiles[ID].distinct_approximate);
    assert_string_equal(findings.profiles[ID].top_values, "[]");
    qn_profile_fini(&profile);
    qn_arena_fini(&arena);
}

static void test_moments(void **state)
{
    (void)state;
    struct qn_arena arena;
    struct qn_moments moments = {0};
    qn_arena_init(&arena);
    /* 7 x 10^9 and ten less or more: squares in doubles would lose all of the spread. */
    const int64_t near[] = {6999999990, 7000000000, 7000000010};
    assert_ok(qn_moments_add_i64(&moments, near, 3, 7000000010, &arena, &err), &err);
    struct qn_type cents = {.id = QN_DECIMAL, .precision = 18, .scale = 1};
    assert_true(qn_moments_mean(&moments, cents) == 7e8);
    assert_true(qn_moments_stddev(&moments, cents) == 1);

    const int64_t ends[] = {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX};
    struct qn_type integer = {.id = QN_INT64};
    moments = (struct qn_moments){0};
    assert_ok(qn_moments_add_i64(&moments, ends, 4, UINT64_C(1) << 63, &arena, &err), &err);
    assert_true(qn_moments_mean(&moments, integer) == -0.5);
    assert_true(fabs(qn_moments_stddev(&moments, integer) / 0x1p63 - sqrt(4.0 / 3)) < 1e-15);

    const double reals[] = {1e16, 1, -1e16, 2, 0, -0.0, 1e200, -1e200};
    int64_t bits[8];
    memcpy(bits, reals, sizeof bits);
    struct qn_moments_room *room = qn_moments_room_new(&arena);
    moments = (struct qn_moments){0};
    assert_ok(qn_moments_add_f64(&moments, bits, 8, room, &arena, &err), &err);
    assert_true(qn_moments_mean(&moments, (struct qn_type){.id = QN_DOUBLE}) == 3.0 / 8);
    moments = (struct qn_moments){0}; /* and the room was left as it was found */
    assert_ok(qn_moments_add_f64(&moments, &bits[1], 1, room, &arena, &err), &err);
    assert_true(qn_moments_mean(&moments, (struct qn_type){.id = QN_DOUBLE}) == 1);
    assert_true(isnan(qn_moments_stddev(&moments, (struct qn_type){.id = QN_DOUBLE})));
    const double few[] = {1, 2, 3};
    memcpy(bits, few, sizeof few);
    moments = (struct qn_moments){0};
    assert_ok(qn_moments_add_f64(&moments, bits, 3, room, &arena, &err), &err);
    assert_true(qn_moments_stddev(&moments, (struct qn_type){.id = QN_DOUBLE}) == 1);
    qn_arena_fini(&arena);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Cut anywhere it is refused; with any byte changed it is refused or says something else. */
static void test_damaged_parts(void **state)
{
    (void)state;
    struct qn_profile profile;
    struct qn_buf buf;
    assert_ok(qn_profile_init(&profile, &schema, &err), &err);
    add_rows(&profile, 0, 30, 30, false);
    pack(&profile, &buf);
    qn_profile_fini(&profile);
    for (size_t at = 0; at < buf.len; at++)
        for (uint8_t flip = 0; flip < 3; flip++) {
            static const uint8_t flips[] = {0, 0x01, 0xff};
            struct qn_strv part = qn_buf_strv(&buf);
            part.len = flip ? buf.len : at;
            buf.data[at] ^= flips[flip];
            struct qn_unpack in = qn_unpack_from(part);
            assert_ok(qn_profile_init(&profile, &schema, &err), &err);
            assert_ok(qn_profile_merge(&profile, &in, &err), &err);
            qn_code code = qn_unpack_end(&in, "a profile", &err);
            assert_true(code == QN_EWIRE || (flip && code == QN_OK));
            if (code == QN_OK)
                free(texts_of(&profile));
            qn_profile_fini(&profile);
            buf.data[at] ^= flips[flip];
        }
    qn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_do_not_matter),
        cmocka_unit_test(test_top_values),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_damaged_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
