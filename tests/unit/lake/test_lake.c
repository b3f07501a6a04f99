/* Folders that name values, manifests as text, and writers that meet. */
#include "tests/support/test.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lake/dataset.h"
#include "lake/facts.h"
#include "lake/hive.h"

static void values_name_folders_and_come_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2026-01-01", "", "a/b=c%d", "x\n\x7f", "Grüße", "%41", "__HIVE_DEFAULT_PARTITION__", NULL};
    for (int i = 0; i < 8; i++) {
        struct qn_buf path, value;
        struct qn_strv name;
        bool is_null;
        qn_buf_init(&path);
        qn_buf_init(&value);
        qn_hive_put(&path, qn_strv_from("d:t"), qn_strv_from(texts[i]));
        assert_int_equal(path.data[path.len - 1], '/');
        assert_null(memchr(path.data, '/', path.len - 1));
        assert_true(qn_hive_parse((struct qn_strv){(char *)path.data, path.len - 1}, &name, &value,
                                  &is_null));
        assert_true(qn_hive_names(name, qn_strv_from("d:t")));
        assert_false(qn_hive_names(name, qn_strv_from("d:tx")));
        assert_false(qn_hive_names(name, qn_strv_from("d")));
        assert_int_equal(is_null, texts[i] == NULL);
        assert_true(is_null || qn_strv_is(qn_buf_strv(&value), texts[i]));
        qn_buf_fini(&path);
        qn_buf_fini(&value);
    }
}

static const struct qn_field fields[] = {{"id", {.id = QN_INT64}}, {"dt", {.id = QN_DATE}}};
static const uint32_t partition[] = {1};
static const char *const values[] = {"2026-01-01"}, *const bounds[] = {"1 \"one\""};
static const uint64_t nulls[] = {3};

static struct qn_lake_manifest example(const struct qn_lake_file *files, uint32_t n)
{
    return (struct qn_lake_manifest){.number = 4,
                                     .parent = 3,
                                     .operation = "append",
                                     .time = "2026-01-01T00:00:00.000Z",
                                     .run = "r",
                                     .job = "j",
                                     .engine = "e",
                                     .format = "csv",
                                     .codec = "zstd",
                                     .level = 9,
                                     .columns = {fields, 2},
                                     .partition = partition,
                                     .n_partition = 1,
                                     .files = files,
                                     .n_files = n};
}

static struct qn_lake_file file_named(const char *path)
{
    return (struct qn_lake_file){.path = path,
                                 .rows = 10,
                                 .bytes = 100,
                                 .partition = values,
                                 .min = bounds,
                                 .max = bounds,
                                 .nulls = nulls};
}

static void manifests_come_back(void **state)
{
    (void)state;
    struct qn_lake_file files[] = {file_named("dt=2026-01-01/a.csv"), file_named("b.csv")};
    struct qn_lake_manifest manifest = example(files, 2), again;
    struct qn_buf text, twice;
    struct qn_arena arena;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    qn_buf_init(&text);
    qn_buf_init(&twice);
    qn_manifest_put(&manifest, &text);
    assert_ok(qn_manifest_parse(qn_buf_strv(&text), "m", &arena, &again, &err), &err);
    qn_manifest_put(&again, &twice);
    assert_true(qn_strv_eq(qn_buf_strv(&text), qn_buf_strv(&twice)));
    assert_int_equal(qn_manifest_rows(&again), 20);
    assert_string_equal(again.codec, "zstd");
    assert_int_equal(again.level, 9);
    for (size_t n = 0; n + 2 < text.len; n += 7) /* cut short it is none */
        assert_int_equal(
            qn_manifest_parse((struct qn_strv){(char *)text.data, n}, "m", &arena, &again, NULL),
            QN_EINPUT);
    qn_buf_fini(&text);
    qn_buf_fini(&twice);
    qn_arena_fini(&arena);
}

static void paths_stay_in_the_folder(void **state)
{
    (void)state;
    static const char *const paths[] = {"/etc/passwd", "../x", "a/../x", "", "a//b", "./a"};
    for (int i = 0; i < 6; i++) {
        struct qn_lake_file file = file_named(paths[i]);
        struct qn_lake_manifest manifest = example(&file, 1), again;
        struct qn_buf text;
        struct qn_arena arena;
        qn_arena_init(&arena);
        qn_buf_init(&text);
        qn_manifest_put(&manifest, &text);
        assert_int_equal(qn_manifest_parse(qn_buf_strv(&text), "m", &arena, &again, NULL),
                         QN_EINPUT);
        qn_buf_fini(&text);
        qn_arena_fini(&arena);
    }
}

/* --- writers --------------------------------------------------------------------------------- */

struct writer {
    const char *folder;
    int rivals; /* that commit while this one has looked and not yet written */
    int calls;
};

static qn_code add_file(void *context, const struct qn_lake_manifest *base, struct qn_arena *arena,
                        struct qn_lake_manifest *next, struct qn_err *err)
{
    struct writer *self = context;
    uint32_t before = base ? base->n_files : 0;
    struct qn_lake_file *files = QN_NEW_ARRAY(arena, struct qn_lake_file, before + 1);
    self->calls++;
    for (uint32_t i = 0; i < before; i++)
        files[i] = base->files[i];
    files[before] = file_named("x.csv");
    *next = example(files, before + 1);
    if (self->rivals-- <= 0)
        return QN_OK;
    struct writer rival = {.folder = self->folder};
    uint64_t number;
    return qn_dataset_commit(self->folder, add_file, &rival, &number, err);
}

/* The disk: folders cannot be synced while it is set. */
static bool folders_fail;

int fsync(int fd)
{
    struct stat at;
    if (folders_fail && fstat(fd, &at) == 0 && S_ISDIR(at.st_mode)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static int remove_one(const char *path, const struct stat *at, int kind, struct FTW *place)
{
    (void)at;
    (void)kind;
    (void)place;
    return remove(path);
}

static void writers_that_meet_lose_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/quern-lake-XXXXXX";
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_lake_manifest newest;
    uint64_t number;
    assert_non_null(mkdtemp(folder));
    struct writer writer = {.folder = folder, .rivals = 3};
    qn_arena_init(&arena);
    assert_int_equal(qn_dataset_read(folder, 0, &arena, &newest, &err), QN_ENOTFOUND);
    assert_ok(qn_dataset_commit(folder, add_file, &writer, &number, &err), &err);
    assert_int_equal(writer.calls, 4);
    assert_int_equal(number, 4);
    assert_ok(qn_dataset_read(folder, 0, &arena, &newest, &err), &err);
    assert_int_equal(newest.n_files, 4);
    assert_int_equal(newest.parent, 3);
    assert_ok(qn_dataset_read(folder, 2, &arena, &newest, &err), &err);
    assert_int_equal(newest.n_files, 2);
    assert_int_equal(qn_dataset_read(folder, 9, &arena, &newest, &err), QN_ENOTFOUND);
    assert_int_equal(qn_dataset_read_as_of(folder, "2001-01-01", &arena, &newest, &err),
                     QN_ENOTFOUND);
    assert_ok(qn_dataset_read_as_of(folder, "9999-01-01", &arena, &newest, &err), &err);
    assert_int_equal(newest.number, 4);

    /* The number of a manifest that is empty, as one that expired, is passed over. */
    char spent[80];
    snprintf(spent, sizeof spent, "%s/" QN_LAKE_SNAPSHOTS "/%020d.json", folder, 5);
    FILE *file = fopen(spent, "w");
    assert_non_null(file);
    fclose(file);
    assert_ok(qn_dataset_commit(folder, add_file, &writer, &number, &err), &err);
    assert_int_equal(number, 6);
    assert_ok(qn_dataset_read(folder, 0, &arena, &newest, &err), &err);
    assert_int_equal(newest.parent, 4);
    qn_arena_fini(&arena);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A snapshot that everybody sees is no failed load, whatever the disk says then. */
static void what_is_seen_has_not_failed(void **state)
{
    (void)state;
    char folder[] = "/tmp/quern-lake-XXXXXX";
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_lake_manifest newest;
    uint64_t number;
    assert_non_null(mkdtemp(folder));
    struct writer writer = {.folder = folder};
    qn_arena_init(&arena);
    assert_ok(qn_dataset_make(folder, &err), &err);
    folders_fail = true;
    qn_code code = qn_dataset_commit(folder, add_file, &writer, &number, &err);
    folders_fail = false;
    assert_ok(qn_dataset_read(folder, 0, &arena, &newest, &err), &err);
    assert_int_equal(code, QN_OK);
    assert_int_equal(number, newest.number);
    qn_arena_fini(&arena);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Bounds are held against what is asked, infinities and what cannot be told among them. */
static void bounds_of_files_are_values(void **state)
{
    (void)state;
    static const struct qn_field columns[] = {
        {"x", {.id = QN_DOUBLE}}, {"t", {.id = QN_TEXT}}, {"b", {.id = QN_BOOL}}};
    static const char *const least[] = {"-inf", "ab", "false"}, *const greatest[] = {"2.5", NULL,
                                                                                     "x"};
    static const uint64_t none[] = {0, 10, 4};
    struct qn_lake_file file = {.rows = 10, .min = least, .max = greatest, .nulls = none};
    struct qn_lake_manifest manifest = {.format = "csv", .columns = {columns, 3}};
    struct qn_facts facts[3];
    struct qn_arena arena;
    struct qn_err err = {0};
    qn_arena_init(&arena);
    for (uint32_t c = 0; c < 3; c++)
        assert_ok(qn_lake_file_facts(&manifest, &file, c, columns[c].type, &arena, &facts[c], &err),
                  &err);
    assert_true(facts[0].has_min && facts[0].has_max && facts[0].no_nulls);
    assert_true(isinf(facts[0].bounds.f64[0]) && facts[0].bounds.f64[0] < 0);
    assert_true(facts[0].bounds.f64[1] > 2.4 && facts[0].bounds.f64[1] < 2.6);
    assert_true(facts[1].has_min && !facts[1].has_max && facts[1].all_null);
    assert_true(qn_strv_is(qn_text_at(&facts[1].bounds, 0), "ab"));
    assert_true(facts[2].has_min && !facts[2].has_max && !facts[2].no_nulls && !facts[2].all_null);
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_name_folders_and_come_back),
        cmocka_unit_test(manifests_come_back),
        cmocka_unit_test(paths_stay_in_the_folder),
        cmocka_unit_test(writers_that_meet_lose_nothing),
        cmocka_unit_test(what_is_seen_has_not_failed),
        cmocka_unit_test(bounds_of_files_are_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
