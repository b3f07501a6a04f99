/* writer: how rows become files of a format. One format is one file in common/sinks/ that fills one
 * const struct qn_writer_ops, and one line in writers.def.
 *
 * What one task writes is a *segment*: bytes, and what the format has to know to join them with
 * others. A file is the segments of one schema and one set of options, in order:
 *
 *     head | bytes of segment 0 | bytes of segment 1 | ... | tail
 *
 * CSV: the header line, then records. JSON lines: records. Parquet: row groups, then one footer.
 * Workers write segments; who joins them copies bytes and asks for head and tail alone.
 *
 * Order of calls, on a worker:  open, (write* finish)*, close.  Where files are joined:  head,
 * tail; of a file that is to be joined anew:  unwrap. A writer belongs to one thread.
 *
 * The bytes depend on schema, options and rows alone: never on memory, time, or how the rows are
 * cut into batches. */
#ifndef QN_FLOW_WRITER_H
#define QN_FLOW_WRITER_H

#include "base/buf.h"
#include "flow/batch.h"

/* What the spec says of the files; 0 and NULL mean "left out: the format's own". */
struct qn_writer_options {
    const char *codec;        /* one of qn_writer_ops.codecs */
    int level;                /* of the codec */
    uint32_t group_rows;      /* rows of a group, in formats that have such */
    const char *const *bloom; /* n_bloom columns that get filters, in formats that have such */
    uint32_t n_bloom;
};

/* A segment as whoever joins files knows it. */
struct qn_segment {
    uint64_t bytes, rows;
    struct qn_strv meta; /* the format's own, as finish() or unwrap() gave it */
};

/* Where the one segment lies that a whole file is. */
struct qn_unwrapped {
    uint64_t offset, bytes, rows;
};

/* First member of every writer. */
struct qn_writer {
    const struct qn_writer_ops *ops;
};

struct qn_writer_ops {
    const char *format;          /* "csv" */
    const char *const *suffixes; /* {".csv", NULL}; the first is what files of a lake are called */
    const char *const *codecs;   /* NULL-terminated, the format's own first; NULL: it has none */
    bool has_blooms;             /* columns may have bloom filters */

    /* QN_ENOTSUP: the schema or the options cannot be written, and why. Both stay borrowed until
     * close. */
    QN_CHECK qn_code (*open)(const struct qn_schema *schema,
                             const struct qn_writer_options *options, struct qn_writer **out,
                             struct qn_err *err);
    /* Rows of the schema's columns, in order. Bytes that are done are appended to `out`; who calls
     * may take them away between calls, so offsets are counted by the writer. */
    QN_CHECK qn_code (*write)(struct qn_writer *writer, const struct qn_batch *batch,
                              struct qn_buf *out, struct qn_err *err);
    /* Ends the segment: the rest of its bytes to `out`, what tail() has to know of it to `meta`
     * (appended too). The next write begins another segment. */
    QN_CHECK qn_code (*finish)(struct qn_writer *writer, struct qn_buf *out, struct qn_buf *meta,
                               struct qn_err *err);
    void (*close)(struct qn_writer *writer);

    /* What stands before the first segment of a file and after its last; appended to `out`. A file
     * may have no segment at all. */
    QN_CHECK qn_code (*head)(const struct qn_schema *schema,
                             const struct qn_writer_options *options, struct qn_buf *out,
                             struct qn_err *err);
    QN_CHECK qn_code (*tail)(const struct qn_schema *schema,
                             const struct qn_writer_options *options,
                             const struct qn_segment *segments, uint32_t n, struct qn_buf *out,
                             struct qn_err *err);
    /* A whole file of this writer, mapped, taken as one segment again: meta is appended. QN_EINPUT:
     * it is none of these columns. NULL: files of the format are not joined anew. */
    QN_CHECK qn_code (*unwrap)(struct qn_strv file, const struct qn_schema *schema,
                               const struct qn_writer_options *options, struct qn_unwrapped *out,
                               struct qn_buf *meta, struct qn_err *err);
};

/* By name, or by the suffix of a path; NULL when unknown. (common/sinks/writer_registry.c) */
const struct qn_writer_ops *qn_writer_find(const char *format);
const struct qn_writer_ops *qn_writer_by_suffix(const char *path);
/* All formats, NULL-terminated: what the conformance tests walk. */
const struct qn_writer_ops *const *qn_writer_all(void);

#endif
