/* Seeded mutations of good specs, and plain noise: the reader must come back with a spec or with
 * complaints that have sane places, whatever it is given; the same bytes give the same answer. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "tests/support/fuzz.h"
#include "tests/support/spec.h"

static const char page[] =
    "version: 1\nname: shop\nseed: 42\nwarehouse: x.db\nparams: {folder: data, share: 0.2}\n"
    "sources:\n  orders:\n    path: [\"${param:folder}/o.csv\", more/*.csv]\n    format: csv\n"
    "    delimiter: \",\"\n    header: true\n    chunk_size: 1MiB\n    on_malformed: skip\n"
    "    columns:\n      - {name: id, type: integer, data_tests: [not_null, unique]}\n"
    "      - name: amount\n        type: \"decimal(10,2)\"\n        null_values: ['', NULL]\n"
    "        data_tests:\n          - accepted_range: {min_value: 0, max_value: 9}\n"
    "jobs:\n  clean:\n    kind: etl\n    from: orders\n    filter: >-\n      id > 0\n      and id "
    "< 9\n"
    "    derive: {a: id + 1, b: 'coalesce(x, 0)'}\n    dedupe: {by: [id], keep: last}\n"
    "    data_tests:\n      - row_count: {min: 1}\n      - not_null: {column: id, on_fail: "
    "quarantine}\n"
    "    into: {table: clean, write_disposition: append}\n"
    "  model: {kind: train, from: clean, label: a, test: \"${param:share}\", cache: 64KiB}\n";
static const char short_page[] =
    "# set\nversion: 1\nname: 'a'\nsources: {s: {path: \"${env:HOME}/x\", quote: ''}}\n"
    "jobs: {j: {kind: etl, from: s, filter: |\n  a\n}}\n";
static const char odd[] =
    "? [a]\n: &x !!str b\n<<: *x\n---\n%TAG ! x\n\xEF\xBB\xBF\xC3\xA4: \"\\u00e4\\0\\x41\"\n";
static const char *const seeds[] = {page, short_page, odd};
enum { N_SEEDS = sizeof seeds / sizeof seeds[0], MAX_TEXT = 8192 };

/* What tends to matter to YAML and to this reader. */
static const char *const pieces[] = {
    "\n",         " ",        "  ",       "\t",          ":",
    ": ",         "- ",       "[",        "]",           "{",
    "}",          ",",        "'",        "\"",          "#",
    "&a ",        "*a",       "!!str ",   "<<",          "|\n",
    ">-\n",       "\\",       "${param:", "${env:HOME}", "}",
    "$${",        "\xff",     "\xC3",     "\x01",        "\xE2\x80\xA8",
    "? ",         "---\n",    "...\n",    "%",           "@",
    "`",          "null",     "~",        "true",        "99999999999999",
    "-1e400",     "secret:X", "kind",     "version",     "jobs:",
    "data_tests", "not_null", "decimal(",
};
enum { N_PIECES = sizeof pieces / sizeof pieces[0] };

struct random {
    uint64_t state;
};

static size_t below(struct random *random, size_t limit)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(qn_mix64(random->state) % (limit ? limit : 1));
}

/* Replaces text[at, at + cut) by n bytes, as far as there is room. */
static size_t splice(char *text, size_t len, size_t at, size_t cut, const char *bytes, size_t n)
{
    if (cut > len - at)
        cut = len - at;
    if (len - cut + n > MAX_TEXT)
        return len;
    char copy[MAX_TEXT];
    memcpy(copy, bytes, n);
    memmove(text + at + n, text + at + cut, len - at - cut);
    memcpy(text + at, copy, n);
    return len - cut + n;
}

static size_t mutate(struct random *random, char *text, size_t len)
{
    size_t at = below(random, len + 1);
    char byte = (char)below(random, 256);
    const char *piece = pieces[below(random, N_PIECES)];
    switch (below(random, 6)) {
    case 0: return splice(text, len, at, 1, &byte, 1);
    case 1: return splice(text, len, at, below(random, 40), "", 0);
    case 2: return splice(text, len, at, 0, piece, strlen(piece));
    case 3: return splice(text, len, at, below(random, 8), piece, strlen(piece));
    case 4: { /* a part once more, elsewhere */
        size_t from = below(random, len + 1), n = below(random, 60);
        return splice(text, len, at, 0, text + from, n < len - from ? n : len - from);
    }
    default: return at; /* cut short */
    }
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n' || text[i] == '\r';
    return n;
}

static void check_places(const struct qn_spec *spec, const char *text, size_t len)
{
    size_t lines = count_lines(text, len);
    for (size_t i = 0; i < spec->diags.n; i++) {
        const struct qn_diag *diag = &spec->diags.items[i];
        assert_true(diag->span.line <= lines + 1);
        assert_true(diag->span.column <= len + 1);
        assert_true(diag->message[0] != '\0');
    }
    assert_true(spec->diags.n <= QN_MAX_DIAGNOSTICS);
}

static void render(struct qn_spec *spec, struct qn_buf *out)
{
    qn_buf_clear(out);
    qn_diags_render(&spec->diags, out, false);
    assert_false(out->failed);
    assert_true(qn_utf8_valid(qn_buf_strv(out)));
    for (size_t i = 0; i < out->len; i++)
        assert_true(out->data[i] >= 0x20 || out->data[i] == '\n' || out->data[i] == '\t');
    qn_diags_render_json(&spec->diags, out);
}

static void read_once(const char *text, size_t len, struct qn_buf *out, struct qn_buf *again)
{
    /* A copy of the very size, so that the sanitizer sees a byte read too far. */
    char *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    struct qn_setting setting = {"folder", "elsewhere"};
    struct qn_spec spec, twin;
    qn_code code = fake_read(&spec, (struct qn_strv){exact, len}, &setting, 1);
    assert_true(code == QN_OK || code == QN_EINPUT);
    assert_true((code == QN_OK) == (spec.diags.n_errors == 0));
    check_places(&spec, text, len);
    render(&spec, out);
    for (uint32_t i = 0; i < spec.n_jobs; i++)
        if (spec.jobs[i].ops)
            assert_int_equal(spec.jobs[i].node->kind, QN_NODE_MAP);
    assert_int_equal(fake_read(&twin, (struct qn_strv){exact, len}, spec.settings, spec.n_settings),
                     code);
    render(&twin, again);
    if (code == QN_OK) /* else settings that no param declares may be said in another order */
        assert_string_equal(spec.sha256, twin.sha256);
    qn_spec_fini(&twin);
    qn_spec_fini(&spec);
    free(exact);
}

static void survives_mutations(void **state)
{
    (void)state;
    static char text[MAX_TEXT];
    struct fuzz_run run = {0};
    struct random random = {fuzz_first_seed()};
    struct qn_buf out, again;
    qn_buf_init(&out);
    qn_buf_init(&again);
    while (fuzz_next(&run, 6000)) {
        const char *seed = seeds[below(&random, N_SEEDS)];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (size_t n = 1 + below(&random, 6); n > 0; n--)
            len = mutate(&random, text, len);
        read_once(text, len, &out, &again);
    }
    qn_buf_fini(&out);
    qn_buf_fini(&again);
}

static void survives_noise(void **state)
{
    (void)state;
    static char text[MAX_TEXT];
    struct fuzz_run run = {0};
    struct random random = {fuzz_first_seed() + 1};
    struct qn_buf out, again;
    qn_buf_init(&out);
    qn_buf_init(&again);
    while (fuzz_next(&run, 2000)) {
        size_t len = 0;
        for (size_t n = below(&random, 60); n > 0; n--) {
            const char *piece = pieces[below(&random, N_PIECES)];
            len = splice(text, len, len, 0, piece, strlen(piece));
        }
        read_once(text, len, &out, &again);
    }
    qn_buf_fini(&out);
    qn_buf_fini(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_mutations),
        cmocka_unit_test(survives_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
