/* sqlite: tables, views and queries of SQLite databases (docs/formats/sqlite.md). */
#include <sys/stat.h>

#include "base/limits.h"
#include "sources/sqlite_inspect.h"
#include "sources/sqlite_reader.h"
#include "sources/sqlite_select.h"
#include "sources/text_chunks.h"

/* As many ranges of keys as the file has chunks by its size: how its bytes are spread over its
 * tables and keys nobody knows without reading them. */
static qn_code sqlite_chunks(const struct qn_source_options *options,
                             const struct qn_source_info *info, uint32_t file_index,
                             struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                             struct qn_err *err)
{
    struct qn_sqlite_select select;
    struct stat at;
    QN_TRY(qn_sqlite_select_unpack(info->dialect, info->schema.n_fields, arena, &select, err));
    const char *path = options->paths[file_index];
    if (file_index >= select.n_files)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR, "no file %u", file_index);
    if (stat(path, &at) != 0)
        return qn_err_io(err, "stat", path);
    uint64_t end = select.files[file_index].end, bytes = (uint64_t)at.st_size;
    uint64_t step = options->chunk_bytes ? options->chunk_bytes : QN_DEFAULT_CHUNK_BYTES;
    uint64_t count = bytes ? (bytes - 1) / step + 1 : 1;
    if (!select.key || end == 0)
        count = 1;
    else if (count > end)
        count = end;
    QN_TRY(qn_text_chunks_reserve(options, path, arena, chunks, *n, count, err));
    uint64_t width = end / count, rest = end % count, begin = 0;
    for (uint64_t k = 0; k < count; k++) {
        uint64_t next = begin + width + (k < rest);
        (*chunks)[(*n)++] = (struct qn_chunk){.file_index = file_index,
                                              .path = path,
                                              .begin = begin,
                                              .end = next,
                                              .start = begin,
                                              .file_bytes = end};
        begin = next;
    }
    return QN_OK;
}

static void sqlite_describe(const struct qn_source_info *info, struct qn_buf *out)
{
    struct qn_arena arena;
    struct qn_sqlite_select select;
    qn_arena_init(&arena);
    if (qn_sqlite_select_unpack(info->dialect, info->schema.n_fields, &arena, &select, NULL) ==
        QN_OK) {
        qn_buf_printf(out, "%s%s, ", select.table ? "table " : "query",
                      select.table ? select.table : "");
        if (select.key)
            qn_buf_printf(out, "split by %s", select.key);
        else
            qn_buf_printf(out, "one chunk (no rowid%s)",
                          select.table ? "" : "; name a `key` column to split it by");
    }
    qn_arena_fini(&arena);
}

static const char *const suffixes[] = {".db", ".sqlite", ".sqlite3", NULL};

const struct qn_source_ops qn_source_sqlite = {
    .format = "sqlite",
    .suffixes = suffixes,
    .inspect = qn_sqlite_inspect,
    .chunks = sqlite_chunks,
    .describe = sqlite_describe,
    .open = qn_sqlite_reader_open,
};
