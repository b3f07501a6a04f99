/* Parquet: a segment is row groups, the tail of a file the footer over all of them. */
#include <stdlib.h>
#include <string.h>

#include "flow/writer.h"
#include "parquet/footer.h"
#include "parquet/writer.h"

struct parquet_writer {
    struct qn_writer base;
    struct qn_pq_writer *rows;
};

/* --- options --------------------------------------------------------------------------------- */

static const struct codec {
    const char *name;
    enum qn_block_codec codec;
} known[] = {
    {"snappy", QN_BLOCK_SNAPPY}, {"zstd", QN_BLOCK_ZSTD}, {"gzip", QN_BLOCK_GZIP},
    {"lz4", QN_BLOCK_LZ4},       {"none", QN_BLOCK_NONE},
};
enum { N_CODECS = sizeof known / sizeof known[0] };

static qn_code codec_of(const struct qn_writer_options *options, enum qn_block_codec *out,
                        struct qn_err *err)
{
    const char *name = options->codec ? options->codec : known[0].name;
    for (int i = 0; i < N_CODECS; i++)
        if (strcmp(known[i].name, name) == 0) {
            *out = known[i].codec;
            return QN_OK;
        }
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                      "Parquet has no codec '%s'; there are snappy, zstd, gzip, lz4 and none",
                      name);
}

static qn_code options_of(const struct qn_writer_options *options, struct qn_pq_write_options *out,
                          struct qn_err *err)
{
    *out = (struct qn_pq_write_options){.encoding = QN_PQ_NONE,
                                        .level = options->level,
                                        .group_rows = options->group_rows,
                                        .bloom = options->bloom,
                                        .n_bloom = options->n_bloom};
    QN_TRY(codec_of(options, &out->codec, err));
    int most = qn_block_max_level(out->codec);
    if (options->level < 0 || options->level > most)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          most ? "the codec '%s' has levels 1 to %d, not %d"
                               : "the codec '%s' has no levels (%d), so not %d either",
                          qn_block_codec_name(out->codec), most, options->level);
    return QN_OK;
}

/* --- operations ------------------------------------------------------------------------------ */

static qn_code parquet_write(struct qn_writer *writer, const struct qn_batch *batch,
                             struct qn_buf *out, struct qn_err *err)
{
    return qn_pq_writer_put(((struct parquet_writer *)writer)->rows, batch, out, err);
}

static qn_code parquet_finish(struct qn_writer *writer, struct qn_buf *out, struct qn_buf *meta,
                              struct qn_err *err)
{
    return qn_pq_writer_end(((struct parquet_writer *)writer)->rows, out, meta, err);
}

static void parquet_close(struct qn_writer *writer)
{
    qn_pq_writer_free(((struct parquet_writer *)writer)->rows);
    free(writer);
}

static qn_code parquet_head(const struct qn_schema *schema, const struct qn_writer_options *options,
                            struct qn_buf *out, struct qn_err *err)
{
    (void)schema;
    (void)options;
    qn_pq_file_head(out);
    return qn_buf_check(out, "a Parquet file", err);
}

static qn_code parquet_tail(const struct qn_schema *schema, const struct qn_writer_options *options,
                            const struct qn_segment *segments, uint32_t n, struct qn_buf *out,
                            struct qn_err *err)
{
    (void)options;
    struct qn_pq_segment *own = calloc((size_t)n + 1, sizeof *own);
    if (!own)
        return qn_err_nomem(err, "a Parquet footer");
    for (uint32_t i = 0; i < n; i++)
        own[i] = (struct qn_pq_segment){segments[i].bytes, segments[i].meta};
    qn_code code = qn_pq_file_tail(schema, own, n, out, err);
    free(own);
    return code;
}

static qn_code parquet_unwrap(struct qn_strv file, const struct qn_schema *schema,
                              const struct qn_writer_options *options, struct qn_unwrapped *out,
                              struct qn_buf *meta, struct qn_err *err)
{
    (void)options;
    return qn_pq_file_unwrap(file, schema, &out->offset, &out->bytes, &out->rows, meta, err);
}

static qn_code parquet_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                            struct qn_writer **out, struct qn_err *err);

static const char *const suffixes[] = {".parquet", ".pq", NULL};
static const char *const codecs[] = {"snappy", "zstd", "gzip", "lz4", "none", NULL};

const struct qn_writer_ops qn_writer_parquet = {
    .format = "parquet",
    .suffixes = suffixes,
    .codecs = codecs,
    .has_blooms = true,
    .open = parquet_open,
    .write = parquet_write,
    .finish = parquet_finish,
    .close = parquet_close,
    .head = parquet_head,
    .tail = parquet_tail,
    .unwrap = parquet_unwrap,
};

static qn_code parquet_open(const struct qn_schema *schema, const struct qn_writer_options *options,
                            struct qn_writer **out, struct qn_err *err)
{
    struct qn_pq_write_options own;
    QN_TRY(options_of(options, &own, err));
    struct parquet_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return qn_err_nomem(err, "a writer of Parquet");
    writer->base.ops = &qn_writer_parquet;
    qn_code code = qn_pq_writer_new(schema, &own, &writer->rows, err);
    if (code != QN_OK) {
        free(writer);
        return code;
    }
    *out = &writer->base;
    return QN_OK;
}
