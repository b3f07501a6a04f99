/* House rules that a compiler does not hold: who may include whom, sizes, widths, guards.
 *
 * Every rule looks at one file's text, so each is tested on a few lines before the whole tree
 * (QUERN_ROOT) is walked. A complaint names the place and what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

enum {
    MAX_SOURCE_LINES = 700,
    MAX_HEADER_LINES = 220,
    MAX_FUNCTION_LINES = 70,
    MAX_COLUMNS = 100,
    MAX_PATH_BYTES = 512,
    MAX_TREE_DEPTH = 8
};

/* --- layers: base <- {flow, codec} <- {parquet, wire} <- {expr, sources, sinks, lake, spec} <-
 * jobs <- {worker, coordinator <- report} <- cli; each room sees itself and what stands here --- */

static const struct room {
    const char *name, *folder, *sees;
} rooms[] = {
    {"base", "common/base/", ""},
    {"flow", "common/flow/", "base"},
    {"synth", "common/synth/", "base"},
    {"expr", "common/expr/", "base flow"},
    {"codec", "common/codec/", "base"},
    {"wire", "common/wire/", "base flow codec"},
    {"parquet", "common/parquet/", "base flow codec"},
    {"sources", "common/sources/", "base flow codec parquet"},
    {"sinks", "common/sinks/", "base flow codec parquet"},
    {"lake", "common/lake/", "base flow"},
    {"spec", "common/spec/", "base flow"},
    {"jobs", "jobs/", "base flow codec parquet expr wire sources sinks lake spec"},
    {"worker", "worker/", "base flow codec parquet expr wire sources sinks lake spec jobs"},
    {"coordinator", "coordinator/",
     "base flow codec parquet expr wire sources sinks lake spec jobs"},
    {"query", "query/", "base flow codec parquet expr wire sources sinks lake spec jobs"},
    {"report", "report/", "base flow coordinator"},
    {"cli", "cli/",
     "base flow codec parquet synth expr wire sources sinks lake spec jobs worker coordinator "
     "query report"},
    {"tests", "tests/", "*"},
    {"bench", "bench/", "*"},
};

/* Libraries whose headers may appear in some places only: prefixes of paths. */
static const struct library {
    const char *header, *allowed[8];
} libraries[] = {
    {"zmq.h", {"common/wire/", "tests/", "bench/"}},
    {"msgpack", {"common/wire/", "tests/", "bench/"}},
    {"lz4", {"common/codec/", "tests/"}},
    {"zlib.h", {"common/codec/", "tests/"}},
    {"zstd", {"common/codec/", "tests/"}},
    {"snappy", {"common/codec/", "tests/"}},
    {"bzlib.h", {"common/codec/", "tests/"}},
    {"lzma", {"common/codec/", "tests/"}},
    {"sqlite3.h",
     {"common/sources/sqlite", "common/sinks/sqlite", "coordinator/store", "coordinator/journal",
      "query/sqlite_run", "tests/", "bench/"}},
    {"yaml.h", {"common/spec/", "tests/"}},
    {"jansson.h", {"jobs/", "cli/", "report/", "common/lake/", "tests/", "bench/jsonl.c"}},
    {"sodium", {"common/base/"}},
    {"xxhash.h", {"common/base/"}},
};

enum {
    N_ROOMS = sizeof rooms / sizeof rooms[0],
    N_LIBRARIES = sizeof libraries / sizeof libraries[0]
};

/* --- a file and what is said about it -------------------------------------------------------- */

struct file {
    const char *path; /* from the root */
    const char *text;
    struct qn_buf *said; /* a line a complaint */
};

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static bool is_header(const struct file *file)
{
    return ends(file->path, ".h");
}

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* `word` in [line, end) with no letter or digit on either side. */
static bool has_word(const char *line, const char *end, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = line; at + n <= end; at++)
        if (memcmp(at, word, n) == 0 && (at == line || !word_char(at[-1])) &&
            (at + n == end || !word_char(word[n - 1]) || !word_char(at[n])))
            return true;
    return false;
}

static const struct room *room_named(const char *name, size_t n)
{
    for (int i = 0; i < N_ROOMS; i++)
        if (strlen(rooms[i].name) == n && memcmp(rooms[i].name, name, n) == 0)
            return &rooms[i];
    return NULL;
}

static const struct room *room_of(const char *path)
{
    for (int i = 0; i < N_ROOMS; i++)
        if (starts(path, rooms[i].folder))
            return &rooms[i];
    return NULL;
}

static void say(const struct file *file, unsigned line, const char *what, const char *name)
{
    qn_buf_printf(file->said, "%s:%u: ", file->path, line);
    const char *mark = strchr(what, '@'); /* stands for the name */
    if (!mark)
        qn_buf_printf(file->said, "%s\n", what);
    else
        qn_buf_printf(file->said, "%.*s%s%s\n", (int)(mark - what), what, name, mark + 1);
}

/* --- rules over one line --------------------------------------------------------------------- */

static void check_room(const struct file *file, unsigned line, const char *included)
{
    const struct room *mine = room_of(file->path);
    size_t n = strcspn(included, "/");
    const struct room *other = included[n] ? room_named(included, n) : NULL;
    if (!mine) {
        say(file, line,
            "no room of the architecture holds this file: move it, or name its room "
            "in tests/tidy",
            NULL);
        return;
    }
    if (!other) {
        say(file, line, "'@' is not named from common/ or the root: write \"room/name.h\"",
            included);
        return;
    }
    bool all = mine->sees[0] == '*';
    if (other != mine && !all &&
        !has_word(mine->sees, mine->sees + strlen(mine->sees), other->name))
        say(file, line,
            "'@' is not below this room: move what is shared down, or hand it in "
            "from above",
            included);
}

static void check_library(const struct file *file, unsigned line, const char *included)
{
    for (int i = 0; i < N_LIBRARIES; i++) {
        if (!starts(included, libraries[i].header))
            continue;
        for (int k = 0; k < 8 && libraries[i].allowed[k]; k++)
            if (starts(file->path, libraries[i].allowed[k]))
                return;
        say(file, line, "<@> may not be used here: go through the room that wraps it", included);
        return;
    }
}

static void check_include(const struct file *file, unsigned line, const char *text, const char *end)
{
    char name[128];
    const char *at = text + strlen("#include");
    while (at < end && *at == ' ')
        at++;
    char close = *at == '"' ? '"' : '>';
    const char *stop = at < end ? memchr(at + 1, close, (size_t)(end - at - 1)) : NULL;
    if (!stop || (size_t)(stop - at) > sizeof name) {
        say(file, line, "an include that cannot be read", NULL);
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)(stop - at - 1), at + 1);
    if (close == '"')
        check_room(file, line, name);
    else
        check_library(file, line, name);
}

static unsigned count_columns(const char *text, const char *end)
{
    unsigned n = 0;
    for (; text < end; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80; /* code points */
    return n;
}

static void check_line(const struct file *file, unsigned line, const char *text, const char *end)
{
    /* Put together here, or this file would be the first to be complained about. */
    static const char *const unfinished[] = {"TO"
                                             "DO",
                                             "FIX"
                                             "ME",
                                             "XX"
                                             "X",
                                             "HA"
                                             "CK"};
    if (count_columns(text, end) > MAX_COLUMNS)
        say(file, line, "more than 100 columns: break the line", NULL);
    if (memchr(text, '\t', (size_t)(end - text)))
        say(file, line, "a tab: indent with spaces", NULL);
    if (end > text && (end[-1] == ' ' || end[-1] == '\r'))
        say(file, line, "blanks at the end of the line: remove them", NULL);
    for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++)
        if (has_word(text, end, unfinished[i]))
            say(file, line, "'@': finish it, or write down elsewhere what is missing",
                unfinished[i]);
    if (starts(text, "#include"))
        check_include(file, line, text, end);
}

/* --- rules over a whole file ----------------------------------------------------------------- */

static void check_guard(const struct file *file)
{
    char guard[MAX_PATH_BYTES], expected[2 * MAX_PATH_BYTES + 32];
    const char *path = starts(file->path, "common/") ? file->path + strlen("common/") : file->path;
    size_t n = 0;
    for (; path[n] && n + 1 < sizeof guard; n++)
        guard[n] = word_char(path[n]) ? (char)toupper((unsigned char)path[n]) : '_';
    guard[n] = '\0';
    snprintf(expected, sizeof expected, "#ifndef QN_%s\n#define QN_%s\n", guard, guard);
    /* Helpers of tests may have shorter ones. */
    if (!strstr(file->text, expected) && !starts(file->path, "tests/"))
        say(file, 1, "no include guard QN_@: add it", guard);
}

/* A function's body starts with a brace in the first column, as clang-format puts it. */
static void check_function(const struct file *file, unsigned line, const char *text,
                           const char *end, unsigned *opened)
{
    if (end - text != 1)
        return;
    if (*text == '{')
        *opened = line;
    if (*text == '}' && *opened && line - *opened > MAX_FUNCTION_LINES)
        say(file, *opened, "a function of more than 70 lines: find the second thing it does", NULL);
    if (*text == '}')
        *opened = 0;
}

/* The text without comments and literals, blanked out so that lines and columns stay. */
static char *code_of(const char *text)
{
    char *code = strdup(text);
    assert_non_null(code);
    char in = 0; /* '/' line comment, '*' comment, '"' or '\'' literal */
    for (char *at = code; *at; at++) {
        char c = *at, next = at[1];
        if (!in && c == '/' && (next == '/' || next == '*'))
            in = next;
        else if (!in && (c == '"' || (c == '\'' && (at == code || !word_char(at[-1])))))
            in = c;
        else if (in == '/' ? c == '\n' : in == '*' ? c == '/' && at[-1] == '*' : c == in)
            in = 0;
        else if (in && in != '/' && in != '*' && c == '\\' && next && next != '\n')
            *at++ = ' ';
        if (in && *at != '\n')
            *at = ' ';
    }
    return code;
}

static void check_exits(const struct file *file)
{
    if (starts(file->path, "cli/") || starts(file->path, "tests/") || starts(file->path, "bench/"))
        return;
    char *code = code_of(file->text);
    unsigned line = 1;
    for (const char *at = code; *at; line++) {
        const char *end = at + strcspn(at, "\n");
        if (has_word(at, end, "exit(") || has_word(at, end, "_exit("))
            say(file, line, "a library does not end the process: return a qn_code", NULL);
        at = *end ? end + 1 : end;
    }
    free(code);
}

static void check_file(const struct file *file)
{
    unsigned line = 0, opened = 0;
    for (const char *at = file->text; *at;) {
        const char *end = at + strcspn(at, "\n");
        check_line(file, ++line, at, end);
        check_function(file, line, at, end, &opened);
        at = *end ? end + 1 : end;
    }
    /* A header of the tests holds their code. */
    bool contract = is_header(file) && !starts(file->path, "tests/");
    if (line > (contract ? MAX_HEADER_LINES : MAX_SOURCE_LINES))
        say(file, line,
            contract ? "a header of more than 220 lines: split it by noun"
                     : "a file of more than 700 lines: split it by noun",
            NULL);
    if (is_header(file))
        check_guard(file);
    check_exits(file);
}

/* --- the tree -------------------------------------------------------------------------------- */

static char *read_text(const char *path)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    struct qn_buf text;
    qn_buf_init(&text);
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        qn_buf_put(&text, piece, n);
    fclose(in);
    qn_buf_put_u8(&text, 0);
    assert_false(text.failed);
    return (char *)text.data;
}

static void walk(const char *root, const char *folder, struct qn_buf *said, unsigned depth,
                 unsigned *n_files)
{
    char path[2 * MAX_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    DIR *dir = opendir(path);
    if (!dir || depth > MAX_TREE_DEPTH) {
        if (dir)
            closedir(dir);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char name[MAX_PATH_BYTES];
        struct stat about;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        snprintf(path, sizeof path, "%s/%s", root, name);
        if (lstat(path, &about) != 0)
            continue;
        if (S_ISDIR(about.st_mode))
            walk(root, name, said, depth + 1, n_files);
        else if (S_ISREG(about.st_mode) && (ends(name, ".c") || ends(name, ".h"))) {
            char *text = read_text(path);
            check_file(&(struct file){name, text, said});
            free(text);
            ++*n_files;
        }
    }
    closedir(dir);
}

static void the_tree_keeps_the_house_rules(void **state)
{
    (void)state;
    static const char *const folders[] = {"common", "jobs",  "worker", "coordinator",
                                          "cli",    "tests", "bench"};
    const char *root = getenv("QUERN_ROOT");
    assert_non_null(root);
    struct qn_buf said;
    qn_buf_init(&said);
    unsigned n_files = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        walk(root, folders[i], &said, 0, &n_files);
    assert_true(n_files > 50); /* else the root is wrong */
    if (said.len)
        fprintf(stderr, "%.*s", (int)said.len, (const char *)said.data);
    assert_int_equal(said.len, 0);
    qn_buf_fini(&said);
}

/* --- each rule on a few lines ---------------------------------------------------------------- */

static void expect(const char *path, const char *text, const char *complaint)
{
    struct qn_buf said;
    qn_buf_init(&said);
    check_file(&(struct file){path, text, &said});
    qn_buf_put_u8(&said, 0);
    const char *got = (const char *)said.data;
    if (complaint ? !strstr(got, complaint) : *got)
        fail_msg("%s: expected %s, got: %s", path, complaint ? complaint : "nothing", got);
    qn_buf_fini(&said);
}

static void layers_hold(void **state)
{
    (void)state;
    expect("common/flow/batch.c", "#include \"base/err.h\"\n#include <stdio.h>\n", NULL);
    expect("common/flow/batch.c", "\n#include \"spec/spec.h\"\n", "batch.c:2: 'spec/spec.h'");
    expect("common/wire/codec.c", "#include \"spec/spec.h\"\n", "not below this room");
    expect("worker/loop.c", "#include \"coordinator/run.h\"\n", "not below this room");
    expect("coordinator/run.c", "#include \"worker/loop.h\"\n", "not below this room");
    expect("jobs/etl/etl.c", "#include \"cli/cli.h\"\n", "not below this room");
    expect("cli/run.c", "#include \"worker/loop.h\"\n#include \"coordinator/run.h\"\n", NULL);
    expect("tests/unit/x/test_x.c", "#include \"worker/loop.h\"\n", NULL);
    expect("common/base/err.c", "#include \"err.h\"\n", "write \"room/name.h\"");
    expect("common/base/err.c", "#include \"../flow/job.h\"\n", "write \"room/name.h\"");
    expect("elsewhere/x.c", "#include \"base/err.h\"\n", "no room");
}

static void libraries_stay_in_their_rooms(void **state)
{
    (void)state;
    expect("common/wire/transport.c", "#include <zmq.h>\n#include <msgpack.h>\n", NULL);
    expect("common/codec/block.c", "#include <lz4.h>\n", NULL);
    expect("common/wire/block.c", "#include <lz4.h>\n", "<lz4.h> may not");
    expect("worker/loop.c", "#include <zmq.h>\n", "<zmq.h> may not");
    expect("coordinator/store.c", "#include <sqlite3.h>\n", NULL);
    expect("coordinator/schedule.c", "#include <sqlite3.h>\n", "<sqlite3.h> may not");
    expect("common/sources/csv.c", "#include <yaml.h>\n", "<yaml.h> may not");
    expect("common/flow/job.c", "#include <msgpack/unpack.h>\n", "may not");
}

static void sizes_and_widths_hold(void **state)
{
    (void)state;
    char wide[128], lines[1600], function[400];
    memset(wide, 'x', sizeof wide);
    wide[101] = '\0';
    expect("jobs/x.c", wide, "jobs/x.c:1: more than 100 columns");
    expect("jobs/x.c", wide + 1, NULL);
    memset(lines, '\n', sizeof lines);
    lines[701] = '\0';
    expect("jobs/x.c", lines, "more than 700 lines");
    expect("jobs/x.c", lines + 1, NULL);
    const char guard[] = "#ifndef QN_JOBS_X_H\n#define QN_JOBS_X_H\n";
    memcpy(lines + 700 - 218, guard, sizeof guard - 1);
    expect("jobs/x.h", lines + 700 - 218, NULL);
    memset(function, '\n', sizeof function);
    memcpy(function, "{\n", 2);
    memcpy(function + 72, "}\n", 3);
    expect("jobs/x.c", function, "jobs/x.c:1: a function of more than 70");
    memcpy(function + 70, "}\n", 3);
    expect("jobs/x.c", function, NULL);
}

static void text_is_clean(void **state)
{
    (void)state;
    expect("jobs/x.c", "int x; \n", "blanks at the end");
    expect("jobs/x.c", "\tint x;\n", "a tab");
    expect("jobs/x.c",
           "int x; /* TO"
           "DO: y */\n",
           "finish it");
    expect("jobs/x.c",
           "int xTO"
           "DOx; /* MAXX"
           "X */\n",
           NULL);
}

static void guards_are_named_by_the_path(void **state)
{
    (void)state;
    expect("common/base/a_b.h", "#ifndef QN_BASE_A_B_H\n#define QN_BASE_A_B_H\n#endif\n", NULL);
    expect("jobs/etl/x.h", "#ifndef QN_X_H\n#define QN_X_H\n#endif\n", "QN_JOBS_ETL_X_H: add it");
}

static void only_programs_exit(void **state)
{
    (void)state;
    expect("worker/x.c", "    exit(1);\n", "worker/x.c:1: a library does not");
    expect("worker/x.c", "    _exit(1);\n", "a library does not");
    expect("cli/x.c", "    exit(1);\n", NULL);
    expect("worker/x.c", "/* exit(1) */ char *s = \"\\\"exit(1)\"; // exit(1)\nqn_exit(1);\n",
           NULL);
    expect("worker/x.c", "char c = '\"';\nexit(1);\n", "worker/x.c:2:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_hold),
        cmocka_unit_test(libraries_stay_in_their_rooms),
        cmocka_unit_test(sizes_and_widths_hold),
        cmocka_unit_test(text_is_clean),
        cmocka_unit_test(guards_are_named_by_the_path),
        cmocka_unit_test(only_programs_exit),
        cmocka_unit_test(the_tree_keeps_the_house_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
