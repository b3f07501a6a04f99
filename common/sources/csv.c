/* csv: delimited text, by RFC 4180 and as it is found (docs/formats/csv.md). */
#include "sources/csv_dialect.h"
#include "sources/csv_inspect.h"
#include "sources/csv_reader.h"
#include "sources/text_chunks.h"

static void csv_describe(const struct qn_source_info *info, struct qn_buf *out)
{
    struct qn_arena arena;
    struct qn_csv_dialect dialect;
    qn_arena_init(&arena);
    if (qn_csv_dialect_unpack(info->dialect, info->schema.n_fields, &arena, &dialect, NULL) ==
        QN_OK)
        qn_csv_dialect_describe(&dialect, out);
    qn_arena_fini(&arena);
}

static const char *const suffixes[] = {".csv", ".tsv", ".txt", NULL};

const struct qn_source_ops qn_source_csv = {
    .format = "csv",
    .suffixes = suffixes,
    .inspect = qn_csv_inspect,
    .chunks = qn_text_chunks,
    .describe = csv_describe,
    .open = qn_csv_reader_open,
};
