/* into: where a job's rows go: a table of the warehouse, a dataset of the lake, or a file. */
#ifndef QN_FLOW_INTO_H
#define QN_FLOW_INTO_H

#include "flow/writer.h"

enum qn_write_disposition { QN_WRITE_APPEND, QN_WRITE_REPLACE };
struct qn_index {
    const char *name;           /* by table and columns: the same every time */
    const char *const *columns; /* of the job's rows */
    uint32_t n_columns;
};

/* Files that rows go to. */
struct qn_into_files {
    const struct qn_writer_ops *writer; /* NULL: none */
    struct qn_writer_options options;
    const char *dataset;       /* of the lake; NULL: one file */
    const char *path;          /* absolute: the dataset's folder, or the file */
    uint64_t file_bytes;       /* a file of the dataset that has as many gets no more */
    struct qn_schema columns;  /* in the files: the job's without those it partitions by */
    const uint32_t *in_files;  /* by column of the files: its place in the job's rows */
    const uint32_t *partition; /* columns of the job's rows that name the folders */
    uint32_t n_partition;
};

struct qn_into {
    const char *table; /* NULL: no table */
    enum qn_write_disposition disposition;
    const struct qn_index *indexes; /* in the order written */
    uint32_t n_indexes;
    struct qn_into_files files;
};

#endif
