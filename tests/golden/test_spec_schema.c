/* docs/spec.schema.json is what the tables give today: QUERN_UPDATE=1 in the environment writes it
 * anew. And it is a schema: it parses, its references lead somewhere, and it knows every kind. The
 * page docs/spec.md speaks of every key. */
#include "tests/support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/spec.h"
#include "tests/support/spec.h"

static void generate(const struct qn_job_ops *const *kinds,
                     const struct qn_source_ops *const *formats, struct qn_buf *out)
{
    struct qn_err err = {0};
    qn_buf_init(out);
    assert_ok(qn_spec_json_schema(kinds, formats, out, &err), &err);
}

static void the_committed_copy_is_current(void **state)
{
    (void)state;
    static char committed[1 << 20];
    const char *root = getenv("QUERN_ROOT");
    char path[500];
    struct qn_buf out;
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/docs/spec.schema.json", root);
    generate(qn_job_all(), qn_source_all(), &out);
    if (getenv("QUERN_UPDATE")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(out.data, 1, out.len, file);
        fclose(file);
    }
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(committed, 1, sizeof committed, file) : 0;
    if (file)
        fclose(file);
    if (n != out.len || memcmp(committed, out.data, n) != 0)
        fail_msg("%s is not what the tables give: run QUERN_UPDATE=1 QUERN_ROOT=%s "
                 "test.golden.spec_schema, read the diff, and commit it",
                 path, root);
    qn_buf_fini(&out);
}

/* Every "$ref" under a value leads to a definition. */
static void check_references(const json_t *root, json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member) check_references(root, member);
        return;
    }
    json_object_foreach(value, key, member)
    {
        if (strcmp(key, "$ref") == 0) {
            const char *name = json_string_value(member) + strlen("#/$defs/");
            assert_non_null(json_object_get(json_object_get(root, "$defs"), name));
        }
        check_references(root, member);
    }
}

/* --- the page -------------------------------------------------------------------------------- */

static size_t read_page(char *out, size_t room)
{
    const char *root = getenv("QUERN_ROOT");
    char path[500];
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/docs/spec.md", root);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(out, 1, room - 1, file);
    out[n] = '\0';
    fclose(file);
    return n;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_';
}

/* Whether the page has the key as a word of its own. */
static bool mentions(const char *page, const char *key)
{
    for (const char *found = strstr(page, key); found; found = strstr(found + 1, key))
        if (!is_word(found[-1]) && !is_word(found[strlen(key)]))
            return true;
    return false;
}

static void check_mentions(json_t *value, const char *page)
{
    const char *key;
    json_t *member;
    size_t i;
    json_array_foreach(value, i, member) check_mentions(member, page);
    json_object_foreach(json_object_get(value, "properties"), key, member)
    {
        if (!mentions(page, key))
            fail_msg("docs/spec.md says nothing of '%s'", key);
    }
    json_object_foreach(value, key, member) check_mentions(member, page);
}

/* No key without a word about it; and the whole specs that the page shows are good ones. */
static void the_page_knows_every_key(void **state)
{
    (void)state;
    static char page[1 << 16];
    struct qn_buf out;
    read_page(page, sizeof page);
    generate(qn_job_all(), qn_source_all(), &out);
    json_t *root = json_loadb((const char *)out.data, out.len, 0, NULL);
    check_mentions(root, page);
    json_decref(root);
    qn_buf_fini(&out);
}

static void the_specs_on_the_page_are_good(void **state)
{
    (void)state;
    static char page[1 << 16];
    size_t n = 0;
    read_page(page, sizeof page);
    for (char *block = strstr(page, "```yaml\n"); block; block = strstr(block, "```yaml\n")) {
        block += strlen("```yaml\n");
        char *end = strstr(block, "\n```");
        assert_non_null(end);
        struct qn_strv text = {block, (size_t)(end - block)};
        block = end + 1;
        if (strncmp(text.data, "version: 1", 10) != 0)
            continue;
        struct qn_spec spec;
        struct qn_err err = {0};
        qn_code code = qn_spec_read(&spec, "docs/spec.md", text, "/", NULL, 0, qn_job_all(),
                                    qn_source_all(), &err);
        for (size_t i = 0; i < spec.diags.n; i++)
            fprintf(stderr, "%u: %s\n", spec.diags.items[i].span.line, spec.diags.items[i].message);
        assert_ok(code, &err);
        qn_spec_fini(&spec);
        n++;
    }
    assert_true(n > 0);
}

static json_t *at(json_t *value, const char *path)
{
    char copy[200];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *name = strtok(copy, "/"); name; name = strtok(NULL, "/"))
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
    return value;
}

static void it_says_what_the_tables_say(void **state)
{
    (void)state;
    struct qn_buf out;
    generate(fake_kinds, fake_formats, &out);
    json_t *root = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    check_references(root, root);
    assert_true(json_is_false(at(root, "additionalProperties")));
    assert_string_equal(json_string_value(at(root, "required/0")), "version");
    assert_string_equal(json_string_value(at(root, "$defs/source/properties/format/enum/0")),
                        "csv");
    assert_null(at(root, "$defs/source/properties/incremental")); /* not supported: not offered */
    json_t *etl = at(root, "$defs/job/allOf/0");
    assert_string_equal(json_string_value(at(etl, "if/properties/kind/const")), "etl");
    assert_string_equal(json_string_value(at(etl, "then/description")), "rows in, rows out");
    assert_string_equal(json_string_value(at(etl, "then/properties/from/description")),
                        "a source or a job");
    assert_int_equal(json_integer_value(at(etl, "then/properties/impute/additionalProperties/"
                                                "properties/round/anyOf/1/maximum")),
                     18);
    assert_true(json_is_false(at(etl, "then/additionalProperties")));
    assert_string_equal(json_string_value(at(root, "$defs/job/properties/kind/enum/1")), "train");
    json_decref(root);
    qn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_copy_is_current),
        cmocka_unit_test(it_says_what_the_tables_say),
        cmocka_unit_test(the_page_knows_every_key),
        cmocka_unit_test(the_specs_on_the_page_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
