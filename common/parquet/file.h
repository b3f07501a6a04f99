/* file: an open Parquet file: its footer checked, its schema a tree. */
#ifndef QN_PARQUET_FILE_H
#define QN_PARQUET_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "parquet/tree.h"

struct qn_pq_file {
    const char *path; /* borrowed */
    int fd;
    uint64_t bytes;
    struct qn_arena arena; /* of meta and tree */
    struct qn_pq_file_meta meta;
    struct qn_pq_tree tree;
};

/* QN_EINPUT for what is no Parquet file, or one whose parts do not fit each other; QN_ENOTSUP for
 * encrypted ones. Errors name the file. Nothing stays open after a failure. */
QN_CHECK qn_code qn_pq_file_open(struct qn_pq_file *file, const char *path, struct qn_err *err);
void qn_pq_file_close(struct qn_pq_file *file);

/* Bytes [at, at + n), all of them. */
QN_CHECK qn_code qn_pq_file_read(const struct qn_pq_file *file, uint64_t at, void *out, size_t n,
                                 struct qn_err *err);

#endif
