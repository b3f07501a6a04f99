/* What people read when a spec is wrong, as files that anyone can add to: tests/golden/spec/X.yaml
 * and, beside it, X.expected with the exact text. A case may start with lines such as
 *     # set: NAME=VALUE
 * With QUERN_UPDATE=1 in the environment the .expected files are written anew: read the diff. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/spec.h"

enum { MAX_TEXT = 1 << 16, MAX_SETTINGS = 4, MAX_PATH = 600 };

static bool read_whole(const char *path, char out[MAX_TEXT])
{
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(out, 1, MAX_TEXT - 1, file) : 0;
    out[n] = '\0';
    if (file)
        fclose(file);
    return file != NULL;
}

/* The settings that the first comment lines ask for; `lines` is cut up to hold them. */
static uint32_t read_settings(char *lines, struct qn_setting *settings)
{
    uint32_t n = 0;
    for (char *line = strtok(lines, "\n"); line && n < MAX_SETTINGS; line = strtok(NULL, "\n")) {
        char *equals = strchr(line, '=');
        if (strncmp(line, "# set: ", 7) != 0 || !equals)
            break;
        *equals = '\0';
        settings[n++] = (struct qn_setting){line + 7, equals + 1};
    }
    return n;
}

/* All that is said of the case, paths of its files included. */
static void render_case(const char *path, const char *folder, struct qn_buf *out)
{
    static char text[MAX_TEXT], lines[MAX_TEXT];
    struct qn_setting settings[MAX_SETTINGS];
    struct qn_spec spec;
    assert_true(read_whole(path, text));
    memcpy(lines, text, sizeof lines);
    uint32_t n = read_settings(lines, settings);
    qn_code code = qn_spec_read(&spec, strrchr(path, '/') + 1, qn_strv_from(text), folder, settings,
                                n, fake_kinds, fake_formats, NULL);
    for (uint32_t i = 0; i < spec.n_sources; i++)
        qn_spec_resolve_paths(&spec, &spec.sources[i]);
    if (code == QN_OK && spec.diags.n == 0)
        qn_buf_printf(out, "fine\n");
    qn_diags_render(&spec.diags, out, false);
    qn_spec_fini(&spec);
    qn_buf_put_u8(out, 0);
    assert_false(out->failed);
}

static void check_case(const char *path, const char *folder)
{
    static char wanted[MAX_TEXT];
    char expected[MAX_PATH];
    struct qn_buf out;
    qn_buf_init(&out);
    render_case(path, folder, &out);
    snprintf(expected, sizeof expected, "%.*s.expected", (int)(strlen(path) - 5), path);
    if (getenv("QUERN_UPDATE")) {
        FILE *file = fopen(expected, "wb");
        assert_non_null(file);
        fwrite(out.data, 1, out.len - 1, file);
        fclose(file);
    }
    if (!read_whole(expected, wanted) || strcmp(wanted, (const char *)out.data) != 0) {
        fprintf(stderr, "%s says:\n%s\nbut %s wants:\n%s\n", path, (const char *)out.data, expected,
                wanted);
        fail();
    }
    qn_buf_fini(&out);
}

static void says_exactly_what_is_expected(void **state)
{
    (void)state;
    const char *root = getenv("QUERN_ROOT");
    char folder[MAX_PATH];
    glob_t found;
    assert_non_null(root);
    snprintf(folder, sizeof folder, "%s/tests/golden/spec", root);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(glob("./*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 10);
    /* A relative folder, so that the expected text does not depend on where the tree stands. */
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_case(found.gl_pathv[i], "files");
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_exactly_what_is_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
