/* A batch as a file of a format, in memory. */
#ifndef QN_TESTS_SUPPORT_WRITTEN_H
#define QN_TESTS_SUPPORT_WRITTEN_H

#include "flow/writer.h"
#include "tests/support/test.h"

static inline void write_batch(const struct qn_writer_ops *ops,
                               const struct qn_writer_options *options,
                               const struct qn_batch *batch, struct qn_buf *file)
{
    const struct qn_schema *schema = batch->schema;
    struct qn_writer *writer;
    struct qn_buf meta;
    struct qn_err err = {0};
    qn_buf_init(&meta);
    assert_ok(ops->head(schema, options, file, &err), &err);
    assert_ok(ops->open(schema, options, &writer, &err), &err);
    size_t before = file->len;
    assert_ok(ops->write(writer, batch, file, &err), &err);
    assert_ok(ops->finish(writer, file, &meta, &err), &err);
    ops->close(writer);
    struct qn_segment segment = {file->len - before, batch->n_rows, qn_buf_strv(&meta)};
    assert_ok(ops->tail(schema, options, &segment, 1, file, &err), &err);
    qn_buf_fini(&meta);
}

#endif
