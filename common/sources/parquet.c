/* parquet: columnar files in row groups (docs/formats/parquet.md). */
#include "base/limits.h"
#include "parquet/file.h"
#include "sources/parquet_inspect.h"
#include "sources/parquet_place.h"
#include "sources/parquet_reader.h"

enum {
    MAX_CHUNKS_PER_FILE = 1 << 20,
    SPLIT_FROM = 2 /* chunks' worth: smaller groups stay whole */
};

/* Chunks being made of one file. */
struct cutter {
    const char *path;
    uint32_t file_index;
    uint64_t n_rows, bytes, begin;
    struct qn_arena *arena;
    struct qn_chunk **chunks;
    uint32_t n, first; /* chunks; those of earlier files */
};

/* Only this file makes the array, with room for a power of two. */
static qn_code reserve_chunk(struct cutter *cut, struct qn_err *err)
{
    uint32_t n = cut->n;
    if (n - cut->first == MAX_CHUNKS_PER_FILE)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "%s: more than %d chunks; choose a larger chunk_size", cut->path,
                          MAX_CHUNKS_PER_FILE);
    if (n && n & (n - 1))
        return QN_OK;
    struct qn_chunk *grown = QN_NEW_ARRAY(cut->arena, struct qn_chunk, n ? 2U * n : 1U);
    if (!grown)
        return qn_err_nomem(err, "chunks");
    if (n)
        memcpy(grown, *cut->chunks, n * sizeof *grown);
    *cut->chunks = grown;
    return QN_OK;
}

/* A chunk ends before this row. */
static qn_code cut_before(struct cutter *cut, uint64_t row, struct qn_err *err)
{
    uint64_t end =
        row == cut->n_rows ? cut->bytes : qn_parquet_byte_of(row, cut->n_rows, cut->bytes);
    if (end == cut->begin && !(row == cut->n_rows && cut->n == cut->first))
        return QN_OK;
    QN_TRY(reserve_chunk(cut, err));
    (*cut->chunks)[cut->n++] = (struct qn_chunk){.file_index = cut->file_index,
                                                 .path = cut->path,
                                                 .begin = cut->begin,
                                                 .end = end,
                                                 .start = cut->begin,
                                                 .file_bytes = cut->bytes};
    cut->begin = end;
    return QN_OK;
}

static uint64_t group_bytes(const struct qn_pq_row_group *group)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < group->n_columns; i++)
        bytes += (uint64_t)group->columns[i].meta.stored_bytes;
    return bytes;
}

/* Small row groups share a chunk, large ones are cut by rows. */
static qn_code cut_groups(struct cutter *cut, const struct qn_pq_file *file, uint64_t step,
                          struct qn_err *err)
{
    uint64_t row = 0, gathered = 0;
    for (uint32_t g = 0; g < file->meta.n_groups; g++) {
        const struct qn_pq_row_group *group = &file->meta.groups[g];
        uint64_t bytes = group_bytes(group), rows = (uint64_t)group->n_rows;
        if (gathered && gathered + bytes > step) {
            QN_TRY(cut_before(cut, row, err));
            gathered = 0;
        }
        uint64_t pieces = bytes / step >= SPLIT_FROM ? (bytes - 1) / step + 1 : 1;
        for (uint64_t k = 1; k < pieces && k < rows; k++)
            QN_TRY(cut_before(cut, row + (uint64_t)((qn_u128)rows * k / pieces), err));
        gathered = pieces > 1 ? step : gathered + bytes;
        row += rows;
    }
    return cut_before(cut, cut->n_rows, err);
}

static qn_code parquet_chunks(const struct qn_source_options *options,
                              const struct qn_source_info *info, uint32_t file_index,
                              struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                              struct qn_err *err)
{
    (void)info;
    struct qn_pq_file file;
    QN_TRY(qn_pq_file_open(&file, options->paths[file_index], err));
    struct cutter cut = {.path = options->paths[file_index],
                         .file_index = file_index,
                         .bytes = file.bytes,
                         .arena = arena,
                         .chunks = chunks,
                         .n = *n,
                         .first = *n};
    for (uint32_t g = 0; g < file.meta.n_groups; g++)
        cut.n_rows += (uint64_t)file.meta.groups[g].n_rows;
    qn_code code = cut_groups(
        &cut, &file, options->chunk_bytes ? options->chunk_bytes : QN_DEFAULT_CHUNK_BYTES, err);
    qn_pq_file_close(&file);
    *n = cut.n;
    return code;
}

static const char *const suffixes[] = {".parquet", ".parq", ".pq", NULL};

const struct qn_source_ops qn_source_parquet = {
    .format = "parquet",
    .suffixes = suffixes,
    .inspect = qn_parquet_inspect,
    .chunks = parquet_chunks,
    .open = qn_parquet_reader_open,
};
