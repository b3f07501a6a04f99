/* jsonl: JSON lines, and documents of JSON records (docs/formats/jsonl.md). */
#include "sources/jsonl_dialect.h"
#include "sources/jsonl_head.h"
#include "sources/jsonl_inspect.h"
#include "sources/jsonl_reader.h"

static void describe(const struct qn_source_info *info, struct qn_buf *out)
{
    struct qn_arena arena;
    struct qn_jsonl_dialect dialect;
    qn_arena_init(&arena);
    if (qn_jsonl_dialect_unpack(info->dialect, info->schema.n_fields, &arena, &dialect, NULL) ==
        QN_OK)
        qn_jsonl_dialect_describe(&dialect, out);
    qn_arena_fini(&arena);
}

static const char *const suffixes[] = {".jsonl", ".ndjson", ".json", NULL};

const struct qn_source_ops qn_source_jsonl = {
    .format = "jsonl",
    .suffixes = suffixes,
    .inspect = qn_jsonl_inspect,
    .chunks = qn_jsonl_chunks,
    .describe = describe,
    .open = qn_jsonl_reader_open,
};
