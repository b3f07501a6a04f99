/* Categories found in rows: the same whether the reader numbers texts or not. */
#include "jobs/learn/categories.h"
#include "tests/support/test.h"

static const struct qn_strv known[] = {{"red", 3}, {"green", 5}, {"blue", 4}};

/* red, pink, NULL, blue, pink, green */
static char bytes[] = "redpinkbluepinkgreen";
static uint32_t offsets[] = {0, 3, 7, 7, 11, 15, 20};
static uint64_t validity = 0x3b;
static const uint16_t codes[] = {1, 2, 0, 3, 2, 4};
static const struct qn_strv texts[] = {
    {NULL, 0}, {"red", 3}, {"pink", 4}, {"blue", 4}, {"green", 5}};

static struct qn_column column_of(const struct qn_dictionary *dictionary)
{
    return (struct qn_column){.type = {.id = QN_TEXT},
                              .validity = &validity,
                              .bytes = bytes,
                              .offsets = offsets,
                              .codes = dictionary ? codes : NULL,
                              .dictionary = dictionary};
}

static const uint32_t rows[] = {5, 4, 3, 2, 1, 0};

static void check(struct qn_categories *categories, const struct qn_dictionary *dictionary,
                  struct qn_strv fill, const uint32_t want[6])
{
    struct qn_err err = {0};
    const uint32_t *found;
    const struct qn_column column = column_of(dictionary);
    assert_ok(qn_categories_find(categories, &column, rows, 6, fill, &found, &err), &err);
    assert_memory_equal(found, want, 6 * sizeof *want);
}

static void numbered_or_not(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_categories categories;
    const uint32_t none = QN_DICT_NONE;
    const uint32_t unfilled[] = {1, none, 2, none, none, 0}, filled[] = {1, none, 2, 1, none, 0};
    /* A dictionary that grows, then another one in which codes stand for other texts. */
    struct qn_dictionary few = {.id = qn_dictionary_new_id(), .n = 3, .texts = texts}, all = few;
    all.n = 5;
    static const struct qn_strv turned[] = {
        {NULL, 0}, {"green", 5}, {"blue", 4}, {"red", 3}, {"pink", 4}};
    const struct qn_dictionary other = {.id = qn_dictionary_new_id(), .n = 5, .texts = turned};
    const uint32_t by_other[] = {none, 2, 0, none, 2, 1};

    assert_ok(qn_categories_init(&categories, "paint", known, 3, &err), &err);
    check(&categories, NULL, (struct qn_strv){0}, unfilled);
    assert_int_equal(categories.unknown, 2);
    assert_true(qn_strv_is(qn_buf_strv(&categories.example), "pink"));
    qn_categories_forget(&categories);
    const struct qn_column begun = column_of(&few);
    const uint32_t *found;
    assert_ok(qn_categories_find(&categories, &begun, rows + 4, 2, known[1], &found, &err), &err);
    assert_int_equal(found[0], none);
    assert_int_equal(found[1], 0);
    check(&categories, &all, (struct qn_strv){0}, unfilled);
    check(&categories, &all, known[1], filled);
    check(&categories, NULL, known[1], filled);
    assert_int_equal(categories.unknown, 1 + 3 * 2);
    check(&categories, &other, (struct qn_strv){0}, by_other);
    check(&categories, &all, (struct qn_strv){0}, unfilled);
    qn_categories_forget(&categories);
    /* A fill that training never saw is unknown, too. */
    const struct qn_strv strange = {"teal", 4};
    check(&categories, NULL, strange, unfilled);
    check(&categories, &all, strange, unfilled);
    assert_int_equal(categories.unknown, 2 * 3);
    qn_categories_fini(&categories);
}

static void unknown_ones_are_refused_where_asked(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_categories categories;
    const struct qn_dictionary all = {.id = qn_dictionary_new_id(), .n = 5, .texts = texts};
    const uint32_t *found;
    assert_ok(qn_categories_init(&categories, "paint", known, 3, &err), &err);
    categories.refuse_unknown = true;
    for (int coded = 0; coded < 2; coded++) {
        const struct qn_column column = column_of(coded ? &all : NULL);
        const struct qn_strv nothing = {0};
        assert_int_equal(qn_categories_find(&categories, &column, rows, 6, nothing, &found, &err),
                         QN_EINPUT);
        assert_non_null(strstr(err.message, "column 'paint' holds 'pink'"));
    }
    qn_categories_fini(&categories);
}

static void examples_are_short(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_categories categories;
    char wide[2 * QN_CATEGORY_EXAMPLE];
    for (size_t i = 0; i < sizeof wide; i++)
        wide[i] = i == 0 ? 'x' : (char)(i % 2 ? 0xc3 : 0xa4); /* ä */
    uint32_t ends[] = {0, sizeof wide - 1};
    const struct qn_column column = {.type = {.id = QN_TEXT}, .bytes = wide, .offsets = ends};
    const uint32_t first = 0, *found;
    const struct qn_strv nothing = {0};
    assert_ok(qn_categories_init(&categories, "paint", known, 3, &err), &err);
    assert_ok(qn_categories_find(&categories, &column, &first, 1, nothing, &found, &err), &err);
    assert_int_equal(categories.example.len, QN_CATEGORY_EXAMPLE - 1); /* whole characters */
    qn_categories_fini(&categories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbered_or_not),
        cmocka_unit_test(unknown_ones_are_refused_where_asked),
        cmocka_unit_test(examples_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
