/* manifest: what one snapshot of a dataset holds: its columns and its files, as one JSON document
 * that never changes (docs/lake.md). */
#ifndef QN_LAKE_MANIFEST_H
#define QN_LAKE_MANIFEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/schema.h"

/* Values of columns are texts as people write them (qn_value_format). */
struct qn_lake_file {
    const char *path; /* from the dataset's folder */
    uint64_t rows, bytes;
    const char *const *partition; /* by partition column; NULL: NULL */
    /* By column of the files; NULL when not told. */
    const char *const *min, *const *max;
    const uint64_t *nulls;
};

struct qn_lake_manifest {
    uint64_t number, parent; /* snapshots count from 1; parent 0: none */
    const char *operation;   /* append, replace or compact */
    const char *time;        /* UTC, ISO-8601 */
    const char *run, *job, *spec_sha256, *engine;
    const char *format;
    const char *codec;        /* that the newest files were asked to have; NULL: the format's own */
    int level;                /* 0: the codec's own */
    struct qn_schema columns; /* of the rows, partition columns among them */
    const uint32_t *partition; /* which name folders */
    uint32_t n_partition;
    const struct qn_lake_file *files;
    uint32_t n_files;
};

/* Columns of the files: n_fields less those that name folders. */
uint32_t qn_manifest_file_columns(const struct qn_lake_manifest *manifest);
bool qn_manifest_is_partition(const struct qn_lake_manifest *manifest, uint32_t column);

uint64_t qn_manifest_rows(const struct qn_lake_manifest *manifest);
uint64_t qn_manifest_bytes(const struct qn_lake_manifest *manifest);

void qn_manifest_put(const struct qn_lake_manifest *manifest, struct qn_buf *out);

/* All it points to is in the arena. QN_EINPUT: it is none, or of a later version; paths that leave
 * the dataset's folder are refused. `name` is for messages. */
QN_CHECK qn_code qn_manifest_parse(struct qn_strv text, const char *name, struct qn_arena *arena,
                                   struct qn_lake_manifest *out, struct qn_err *err);

#endif
