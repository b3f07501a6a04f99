/* Every document of the public YAML test suite goes through the reader: none crashes it, none is
 * refused without a place, what is taken is read as the suite's JSON says, and what a full parser
 * must reject is refused but for a list of harmless ones. */
#include "tests/support/test.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/spec.h"

enum { MAX_TEXT = 1 << 16, MAX_PATH = 500 };

static const char *suite(void)
{
    static char folder[MAX_PATH];
    const char *data = getenv("QUERN_DATA");
    glob_t found;
    snprintf(folder, sizeof folder, "%s/yaml-test-suite", data ? data : "");
    if (glob(folder, 0, NULL, &found) != 0) {
        fprintf(stderr, "SKIPPED: %s is not there (QUERN_DATA)\n", folder);
        return NULL;
    }
    globfree(&found);
    return folder;
}

/* What libyaml takes although YAML 1.2 does not. None can be misunderstood, so the reader does not
 * refuse them on its own; each is listed, so that another one fails the test. */
static const char *const taken_anyway[] = {
    "9JBA",    "CVW2",     "MUS6-00", "SU5Z", "X4QW", /* no blank before a comment */
    "9C9N",    "QB6E",     /* brackets and quotes that go on unindented */
    "DK95-01", "Y79Y-003", /* a tab where a line goes on */
    "G5U8",    "YJV2",     /* a lone '-' in brackets: the text "-" */
    "S98Z",                /* blanks before a comment in an empty block */
};

/* Blanks in the last line of a block, where the file ends without a line end: libyaml drops
 * them. */
static const char *const read_otherwise[] = {"JEF9-02", "L24T-01"};

static bool is_listed(const char *const *list, size_t n, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < n; i++)
        if (strncmp(slash + 1, list[i], strlen(list[i])) == 0 &&
            strcmp(slash + 1 + strlen(list[i]), ".yaml") == 0)
            return true;
    return false;
}

static size_t read_file(const char *path, char text[MAX_TEXT])
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, MAX_TEXT - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    return n;
}

/* --- a tree and its JSON --------------------------------------------------------------------- */

static bool is_same(const struct qn_node *node, const json_t *json);

static bool is_same_map(const struct qn_node *node, const json_t *json)
{
    if (!json_is_object(json) || json_object_size(json) != node->n)
        return false;
    for (uint32_t i = 0; i < node->n; i++)
        if (!is_same(&node->pairs[i].value, json_object_get(json, node->pairs[i].key.data)))
            return false;
    return true;
}

static bool is_same_list(const struct qn_node *node, const json_t *json)
{
    if (!json_is_array(json) || json_array_size(json) != node->n)
        return false;
    for (uint32_t i = 0; i < node->n; i++)
        if (!is_same(&node->items[i], json_array_get(json, i)))
            return false;
    return true;
}

static bool is_same(const struct qn_node *node, const json_t *json)
{
    double number;
    bool flag;
    if (!json)
        return false;
    switch (node->kind) {
    case QN_NODE_NULL: return json_is_null(json);
    case QN_NODE_MAP: return is_same_map(node, json);
    case QN_NODE_LIST: return is_same_list(node, json);
    case QN_NODE_SCALAR: break;
    }
    if (json_is_number(json))
        return qn_node_is_f64(node, &number) && number == json_number_value(json);
    if (json_is_boolean(json))
        return qn_node_is_bool(node, &flag) && flag == json_is_true(json);
    return json_is_string(json) &&
           qn_strv_eq(node->text,
                      (struct qn_strv){json_string_value(json), json_string_length(json)});
}

/* Whether the file beside it, with the same name and .json, says the same. */
static bool is_read_right(const struct qn_node *root, const char *path)
{
    static char text[MAX_TEXT];
    char other[MAX_PATH + 64];
    snprintf(other, sizeof other, "%.*s.json", (int)(strlen(path) - 5), path);
    size_t n = read_file(other, text);
    json_t *json = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool same = json && is_same(root, json);
    json_decref(json);
    return same;
}

/* --- the suite ------------------------------------------------------------------------------- */

struct tally {
    size_t files, taken, refused, unexpected;
};

static void check_complaints(struct qn_diags *diags, const char *path)
{
    for (size_t i = 0; i < diags->n; i++)
        if (diags->items[i].span.line == 0 &&
            strcmp(diags->items[i].message, "the spec is empty") != 0)
            fail_msg("%s: no place: %s", path, diags->items[i].message);
    struct qn_buf out;
    qn_buf_init(&out);
    qn_diags_render(diags, &out, false);
    qn_diags_render_json(diags, &out);
    assert_false(out.failed);
    qn_buf_fini(&out);
}

/* The reader, then the whole way of a spec: a document of the suite is none, but must not hurt. */
static void read_document(const char *path, bool valid, struct tally *tally)
{
    static char text[MAX_TEXT];
    struct qn_strv bytes = {text, read_file(path, text)};
    struct qn_arena arena;
    struct qn_diags diags;
    struct qn_spec spec;
    const struct qn_node *root;
    qn_arena_init(&arena);
    qn_diags_init(&diags, path, bytes);
    bool taken = qn_node_read(bytes, &arena, &diags, &root, NULL) == QN_OK;
    assert_true(taken == (diags.n_errors == 0));
    check_complaints(&diags, path);
    bool wrong = taken && valid && !is_read_right(root, path) &&
                 !is_listed(read_otherwise, sizeof read_otherwise / sizeof *read_otherwise, path);
    bool lax = taken && !valid &&
               !is_listed(taken_anyway, sizeof taken_anyway / sizeof *taken_anyway, path);
    if (wrong || lax)
        fprintf(stderr, "%s is %s\n", path, wrong ? "misread" : "taken, but not valid");
    tally->files++;
    tally->taken += taken;
    tally->refused += !taken;
    tally->unexpected += wrong || lax;
    qn_diags_fini(&diags);
    qn_arena_fini(&arena);
    assert_int_equal(fake_read(&spec, bytes, NULL, 0), QN_EINPUT);
    qn_spec_fini(&spec);
}

static struct tally read_folder(const char *root, const char *name, bool valid)
{
    struct tally tally = {0};
    char pattern[MAX_PATH + 32];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/%s/*.yaml", root, name);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_document(found.gl_pathv[i], valid, &tally);
    globfree(&found);
    fprintf(stderr, "%s: %zu documents, %zu taken, %zu refused\n", name, tally.files, tally.taken,
            tally.refused);
    return tally;
}

static void takes_or_refuses_valid_documents_but_never_misreads(void **state)
{
    const char *root = *state;
    if (!root)
        skip();
    struct tally tally = read_folder(root, "valid", true);
    assert_int_equal(tally.unexpected, 0);
    assert_true(tally.files > 250 && tally.taken > 100);
}

static void refuses_what_json_cannot_say(void **state)
{
    const char *root = *state;
    if (!root)
        skip();
    assert_true(read_folder(root, "valid-no-json", false).files > 20);
}

static void refuses_invalid_documents(void **state)
{
    const char *root = *state;
    if (!root)
        skip();
    struct tally tally = read_folder(root, "invalid", false);
    assert_int_equal(tally.unexpected, 0);
    assert_true(tally.files > 80);
}

static int find_suite(void **state)
{
    *state = (void *)(uintptr_t)suite();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_or_refuses_valid_documents_but_never_misreads),
        cmocka_unit_test(refuses_what_json_cannot_say),
        cmocka_unit_test(refuses_invalid_documents),
    };
    return cmocka_run_group_tests(tests, find_suite, NULL);
}
