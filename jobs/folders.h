/* folders: columns of a source that its folders name, dt=2026-01-01/, beside those of its files.
 *
 * The values stand in a file's path, so that whoever is given a chunk knows them. */
#ifndef QN_JOBS_FOLDERS_H
#define QN_JOBS_FOLDERS_H

#include "flow/source.h"

struct qn_folders {
    struct qn_schema columns; /* that folders name; no fields: none do */
    struct qn_schema rows;    /* what jobs see: both kinds of columns */
    const int32_t *from;      /* by column of rows: that of the files, or -1 - k: the k-th of
                                 `columns` */
};

/* How rows are made of the columns of files and folders. `order` (may be NULL) is the rows' schema
 * where it is known; else columns of the files come first. A column of a file that has the name of
 * one of a folder is left out. */
QN_CHECK qn_code qn_folders_join(struct qn_folders *folders, const struct qn_schema *files,
                                 const struct qn_schema *order, struct qn_arena *arena,
                                 struct qn_err *err);

/* The columns that the folders of all paths name alike, outermost first, with the types that their
 * values have. QN_EINPUT: some files lie in other folders than the rest. */
QN_CHECK qn_code qn_folders_infer(const char *const *paths, uint32_t n_paths,
                                  struct qn_arena *arena, struct qn_schema *columns,
                                  struct qn_err *err);

/* Values that a path gives to `columns`, n_rows times over, in the arena. QN_EINPUT with the path:
 * a folder is missing, or its value is not of the column's type. */
QN_CHECK qn_code qn_folders_read(const struct qn_schema *columns, const char *path, uint32_t n_rows,
                                 struct qn_arena *arena, struct qn_column *out, struct qn_err *err);

void qn_folders_pack(const struct qn_folders *folders, struct qn_buf *out);
QN_CHECK qn_code qn_folders_unpack(struct qn_unpack *in, const struct qn_schema *files,
                                   struct qn_arena *arena, struct qn_folders *out,
                                   struct qn_err *err);

/* A reader of a chunk whose batches have columns of both kinds. `wanted` is by column of rows;
 * NULL: all. The chunk's path stays borrowed until close. (jobs/folder_reader.c) */
QN_CHECK qn_code qn_folders_open(const struct qn_folders *folders, const struct qn_source_ops *ops,
                                 const struct qn_source_info *info, const struct qn_chunk *chunk,
                                 const bool *wanted, struct qn_reader **out, struct qn_err *err);

#endif
