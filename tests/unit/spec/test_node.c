/* The tree knows where everything stands, and refuses what specs may not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "spec/node.h"

struct read {
    struct qn_arena arena;
    struct qn_diags diags;
    const struct qn_node *root;
    qn_code code;
};

static struct read read_bytes(struct qn_strv text)
{
    struct read read = {0};
    qn_arena_init(&read.arena);
    qn_diags_init(&read.diags, "spec.yaml", text);
    read.code = qn_node_read(text, &read.arena, &read.diags, &read.root, NULL);
    return read;
}

static struct read read_text(const char *text)
{
    return read_bytes(qn_strv_from(text));
}

static void finish(struct read *read)
{
    qn_diags_fini(&read->diags);
    qn_arena_fini(&read->arena);
}

static void assert_span(struct qn_span span, uint32_t line, uint32_t column, uint32_t width)
{
    assert_int_equal(span.line, line);
    assert_int_equal(span.column, column);
    assert_int_equal(span.width, width);
}

/* The only complaint is at this place and starts with these words. */
static void assert_refused(const char *text, uint32_t line, uint32_t column, const char *message)
{
    struct read read = read_text(text);
    const struct qn_diag *diag = &read.diags.items[0];
    if (read.diags.n != 1 || strncmp(diag->message, message, strlen(message)) != 0 ||
        diag->span.line != line || diag->span.column != column) {
        fprintf(stderr, "wanted %u:%u: %s, got:\n", line, column, message);
        for (size_t i = 0; i < read.diags.n; i++)
            fprintf(stderr, "%u:%u: %s\n", read.diags.items[i].span.line,
                    read.diags.items[i].span.column, read.diags.items[i].message);
        fail();
    }
    assert_int_equal(read.code, QN_EINPUT);
    finish(&read);
}

static void reads_kinds_and_places(void **state)
{
    (void)state;
    struct read read = read_text("version: 1\n"
                                 "jobs:\n"
                                 "  a:\n"
                                 "    from: [x, 'y z']\n"
                                 "    drop:\n"
                                 "      - b\n"
                                 "      - k: v\n"
                                 "    into:\n"
                                 "    note: ~\n");
    assert_int_equal(read.code, QN_OK);
    assert_int_equal(read.root->kind, QN_NODE_MAP);
    assert_int_equal(read.root->n, 2);
    const struct qn_pair *version = qn_node_pair(read.root, "version");
    assert_span(version->key_span, 1, 1, 7);
    assert_span(version->value.span, 1, 10, 1);
    assert_int_equal(qn_node_i64(&version->value, 0), 1);
    const struct qn_node *jobs = qn_node_get(read.root, "jobs");
    assert_span(jobs->span, 2, 1, 4);
    const struct qn_node *job = qn_node_get(jobs, "a");
    assert_span(job->span, 3, 3, 1);
    const struct qn_node *from = qn_node_get(job, "from");
    assert_int_equal(from->kind, QN_NODE_LIST);
    assert_span(from->span, 4, 11, 1);
    assert_span(from->items[1].span, 4, 15, 5);
    assert_true(from->items[1].quoted);
    assert_string_equal(qn_node_text(&from->items[1], NULL), "y z");
    const struct qn_node *drop = qn_node_get(job, "drop");
    assert_span(drop->span, 5, 5, 4);
    assert_span(drop->items[0].span, 6, 9, 1);
    assert_span(drop->items[1].span, 7, 7, 1);
    assert_int_equal(qn_node_get(job, "into")->kind, QN_NODE_NULL);
    assert_span(qn_node_get(job, "into")->span, 8, 5, 4);
    assert_int_equal(qn_node_get(job, "note")->kind, QN_NODE_NULL);
    assert_span(qn_node_get(job, "note")->span, 9, 11, 1);
    assert_null(qn_node_get(job, "none"));
    assert_null(qn_node_get(NULL, "none"));
    finish(&read);
}

static void tells_numbers_and_bools_from_texts(void **state)
{
    (void)state;
    struct read read = read_text(
        "[12, '12', -3.5, 1e3, true, False, 'true', yes, 16MiB, 1.5 KiB, 64kb, 12x, 0.3]");
    const struct qn_node *items = read.root->items;
    int64_t integer;
    double number;
    bool flag;
    uint64_t bytes;
    assert_true(qn_node_is_i64(&items[0], &integer));
    assert_int_equal(integer, 12);
    assert_false(qn_node_is_i64(&items[1], &integer));
    assert_false(qn_node_is_i64(&items[2], &integer));
    assert_true(qn_node_is_f64(&items[2], &number));
    assert_true(number < -3.4 && number > -3.6);
    assert_true(qn_node_is_f64(&items[3], &number));
    assert_true(qn_node_is_bool(&items[4], &flag) && flag);
    assert_true(qn_node_is_bool(&items[5], &flag) && !flag);
    assert_false(qn_node_is_bool(&items[6], &flag));
    assert_false(qn_node_is_bool(&items[7], &flag));
    assert_true(qn_node_is_bytes(&items[8], &bytes));
    assert_int_equal(bytes, 16 << 20);
    assert_int_equal(qn_node_bytes(&items[9], 0), 1536);
    assert_int_equal(qn_node_bytes(&items[10], 0), 64000);
    assert_false(qn_node_is_bytes(&items[11], &bytes));
    assert_false(qn_node_is_bytes(&items[12], &bytes));
    uint32_t n;
    assert_ptr_equal(qn_node_items(&items[0], &n), &items[0]);
    assert_int_equal(n, 1);
    finish(&read);
}

static void refuses_what_yaml_expands(void **state)
{
    (void)state;
    assert_refused("a: &x 1\nb: 2\n", 1, 4, "anchors such as '&x'");
    assert_refused("a: *x\nb: 2\n", 1, 4, "aliases such as '*x'");
    assert_refused("a: !!str 1\n", 1, 4, "tags such as 'tag:yaml.org,2002:str'");
    assert_refused("a: !own {b: 1}\n", 1, 4, "tags such as '!own'");
    assert_refused("a:\n  <<: {b: 1}\n", 2, 3, "merge keys");
    assert_refused("*x : 1\nb: 2\n", 1, 1, "an alias cannot be a key");
    assert_refused("a: 1\n--- \nb: 2\n", 2, 1, "a spec is one document");
    assert_refused("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "%TAG");
}

static void refuses_keys_that_are_no_names(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: 2\na: 3\n", 3, 1, "key 'a' is written twice; first on line 1");
    assert_refused("a: 1\n? [x]\n: 2\nc: 3\n", 2, 3, "a key must be a text");
    assert_refused("a: {{ ref }}\n", 1, 5, "a key must be a text");
    assert_refused("a: 1\n'': 2\n", 2, 1, "a key is missing before ':'");
    assert_refused("a: \"x\\0y\"\n", 1, 4, "a text cannot hold a NUL");
}

static void goes_on_after_a_refusal(void **state)
{
    (void)state;
    struct read read = read_text("a: &x {k: 1}\nb: *x\nc: !t 3\n? {q: 1}\n: 4\na: 5\nd: 6\n");
    assert_int_equal(read.code, QN_EINPUT);
    assert_int_equal(read.diags.n_errors, 5);
    assert_int_equal(qn_node_i64(qn_node_get(qn_node_get(read.root, "a"), "k"), 0), 1);
    assert_int_equal(qn_node_i64(qn_node_get(read.root, "d"), 0), 6);
    finish(&read);
}

static void puts_syntax_errors_in_plain_words(void **state)
{
    (void)state;
    assert_refused("a: b: c\n", 1, 5, "a ':' where no key can stand");
    assert_refused("a: [1, 2\nb: 3\n", 1, 4, "this '[' is not closed");
    assert_refused("a: {b: 1\n", 1, 4, "this '{' is not closed");
    assert_refused("a: 'b\nc: d\n", 1, 4, "this quote is not closed");
    assert_refused("a: 1\n  b: 2\n", 2, 4, "a ':' where no key can stand");
    assert_refused("a:\n  b: 1\n c: 2\n", 3, 2, "this does not line up with the keys");
    assert_refused("a:\n\t- b\n", 2, 1, "a tab cannot indent");
    assert_refused("a: @b\n", 1, 4, "a value cannot start with '@'");
    assert_refused("a: \"\\d\"\n", 1, 5, "an unknown escape");
    assert_refused("a\nb: 1\n", 2, 2, "a ':' where no key can stand");
    assert_refused("a: 1\nb\nc: 1\n", 2, 1, "this key has no ':'");
}

static void refuses_what_is_no_text(void **state)
{
    (void)state;
    assert_refused("", 0, 0, "the spec is empty");
    assert_refused("# only a comment\n", 0, 0, "the spec is empty");
    assert_refused("a: b\nc: \xC3\x28\n", 2, 4, "this byte is not UTF-8");
    assert_refused("a: \xC3\xA4\x07\n", 1, 5, "a control character");
    assert_refused("a: \xE2\x80\xA8\n", 1, 4, "an unusual line separator");
    assert_refused("\xFF\xFE\x61", 0, 0, "the spec is UTF-16");
}

static void bounds_depth_size_and_count(void **state)
{
    (void)state;
    char deep[QN_MAX_SPEC_DEPTH * 2];
    memset(deep, '[', QN_MAX_SPEC_DEPTH);
    memset(deep + QN_MAX_SPEC_DEPTH, ']', QN_MAX_SPEC_DEPTH);
    struct read read = read_bytes((struct qn_strv){deep, sizeof deep});
    assert_int_equal(read.code, QN_OK);
    finish(&read);

    enum { BIG = QN_MAX_SPEC_BYTES };
    char *big = malloc(BIG + 2);
    assert_non_null(big);
    memset(big, '[', BIG);
    read = read_bytes((struct qn_strv){big, BIG});
    assert_int_equal(read.code, QN_EINPUT);
    assert_int_equal(read.diags.items[0].span.column, QN_MAX_SPEC_DEPTH + 1);
    finish(&read);

    memset(big, ' ', BIG + 1);
    read = read_bytes((struct qn_strv){big, BIG + 1});
    assert_int_equal(read.diags.n, 1);
    finish(&read);

    for (int i = 0; i < BIG; i++)
        big[i] = i % 2 ? 'a' : i ? ',' : '[';
    big[BIG - 1] = ']';
    read = read_bytes((struct qn_strv){big, BIG});
    assert_int_equal(read.code, QN_EINPUT);
    assert_non_null(strstr(read.diags.items[0].message, "a spec can hold"));
    finish(&read);
    free(big);
}

static void reads_a_mapping_of_many_keys_quickly(void **state)
{
    (void)state;
    enum { KEYS = 40000 };
    struct qn_buf text;
    qn_buf_init(&text);
    for (int i = 0; i < KEYS; i++)
        qn_buf_printf(&text, "k%d: 1\n", i);
    qn_buf_printf(&text, "k7: 2\n");
    struct read read = read_bytes(qn_buf_strv(&text));
    assert_int_equal(read.root->n, KEYS);
    assert_int_equal(read.diags.n_errors, 1);
    assert_int_equal(read.diags.items[0].span.line, KEYS + 1);
    finish(&read);
    qn_buf_fini(&text);
}

/* Where span_at says that `needle` of the value stands. */
static void assert_points(const char *text, const char *needle, uint32_t line, uint32_t column)
{
    struct read read = read_text(text);
    assert_int_equal(read.code, QN_OK);
    const struct qn_node *node = &read.root->pairs[0].value;
    const char *found = strstr(node->text.data, needle);
    assert_non_null(found);
    struct qn_span span = qn_node_span_at(node, (size_t)(found - node->text.data), strlen(needle));
    assert_span(span, line, column, (uint32_t)strlen(needle));
    finish(&read);
}

static void points_into_expressions(void **state)
{
    (void)state;
    assert_points("e: tenure >= oops\n", "oops", 1, 14);
    assert_points("e: \"tenure >= oops\"\n", "oops", 1, 15);
    assert_points("e: 'it''s >= oops'\n", "oops", 1, 14);
    assert_points("e: \"a \\\"q\\\" oops\"\n", "oops", 1, 13);
    assert_points("e: \xC3\xA4\xC3\xB6 oops\n", "oops", 1, 7);
    assert_points("e: a +\n   oops\n", "oops", 2, 4);
    assert_points("e: |\n  a +\n    oops\n", "oops", 3, 5);
    assert_points("e: >-\n  a\n\n  oops + 1\n", "oops", 4, 3);
    assert_points("e: >  # why\n  a +\n  oops\n", "oops", 3, 3);
    struct read read = read_text("e: \"tab\\t oops\"\n"); /* an escape hides the rest */
    assert_span(qn_node_span_at(&read.root->pairs[0].value, 5, 4), 1, 4, 12);
    assert_span(qn_node_span_at(&read.root->pairs[0].value, 500, 4), 1, 4, 12);
    finish(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_kinds_and_places),
        cmocka_unit_test(tells_numbers_and_bools_from_texts),
        cmocka_unit_test(refuses_what_yaml_expands),
        cmocka_unit_test(refuses_keys_that_are_no_names),
        cmocka_unit_test(goes_on_after_a_refusal),
        cmocka_unit_test(puts_syntax_errors_in_plain_words),
        cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(bounds_depth_size_and_count),
        cmocka_unit_test(reads_a_mapping_of_many_keys_quickly),
        cmocka_unit_test(points_into_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
