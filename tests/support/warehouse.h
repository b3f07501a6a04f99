/* A warehouse in a folder of its own, and batches to put into it. */
#ifndef QN_TESTS_SUPPORT_WAREHOUSE_H
#define QN_TESTS_SUPPORT_WAREHOUSE_H

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/store.h"
#include "tests/support/test.h"

struct folder {
    char path[256]; /* without a slash at its end */
    char file[600]; /* of the last folder_file() */
};

static inline void folder_make(struct folder *folder)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder->path, sizeof folder->path, "%s/quern-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(folder->path));
}

static inline const char *folder_file(struct folder *folder, const char *name)
{
    snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, name);
    return folder->file;
}

static inline void folder_remove(struct folder *folder)
{
    DIR *dir = opendir(folder->path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            unlink(folder_file(folder, entry->d_name));
    if (dir)
        closedir(dir);
    rmdir(folder->path);
}

static inline struct qn_store *open_store(struct folder *folder)
{
    struct qn_err err = {0};
    struct qn_store *store = NULL;
    assert_ok(qn_store_open(folder_file(folder, "w.db"), &store, &err), &err);
    assert_ok(qn_store_commit(store, &err), &err);
    return store;
}

static inline qn_code keep_value(void *context, int n, const char *const *names,
                                 const char *const *values)
{
    (void)names;
    struct qn_buf *buf = context;
    for (int i = 0; i < n; i++)
        qn_buf_printf(buf, "%s%s", i || buf->len ? "|" : "", values[i] ? values[i] : "NULL");
    return QN_OK;
}

/* All values of all rows of a query are exactly `want`, joined by '|'. */
static inline void assert_query(struct qn_store *store, const char *sql, const char *want)
{
    struct qn_err err = {0};
    struct qn_buf buf;
    qn_buf_init(&buf);
    assert_ok(qn_store_query(store, sql, NULL, 0, keep_value, &buf, &err), &err);
    qn_buf_put_u8(&buf, 0);
    assert_string_equal((const char *)buf.data, want);
    qn_buf_fini(&buf);
}

/* One column of every type. */
static const struct qn_field all_types_fields[] = {
    {"id", {.id = QN_INT64}},       {"flag", {.id = QN_BOOL}},
    {"ratio", {.id = QN_DOUBLE}},   {"price", {.id = QN_DECIMAL, .precision = 10, .scale = 2}},
    {"Full Name", {.id = QN_TEXT}}, {"day", {.id = QN_DATE}},
    {"at", {.id = QN_TIMESTAMP}},
};
static const struct qn_schema all_types = {all_types_fields, 7};

/* Rows first .. first + n: row i has id i, and NULL everywhere else when i is a multiple of 5. */
static inline struct qn_batch_builder *all_types_batch(int64_t first, uint32_t n,
                                                       struct qn_batch *batch)
{
    struct qn_err err = {0};
    struct qn_batch_builder *builder = NULL;
    assert_ok(qn_builder_new(&all_types, &builder, &err), &err);
    for (int64_t i = first; i < first + n; i++) {
        qn_builder_i64(builder, 0, i);
        if (i % 5) {
            char name[32];
            int length = snprintf(name, sizeof name, "n\xc3\xa4me %d", (int)i);
            qn_builder_bool(builder, 1, i % 2);
            qn_builder_f64(builder, 2, (double)i / 4);
            qn_builder_i64(builder, 3, i * 101);
            qn_builder_text(builder, 4, (struct qn_strv){name, (size_t)length});
            qn_builder_i64(builder, 5, 20000 + i);
            qn_builder_i64(builder, 6, i * INT64_C(86400000000) + 1000000);
        }
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, batch);
    return builder;
}

#endif
