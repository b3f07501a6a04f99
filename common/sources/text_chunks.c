#include "sources/text_chunks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"

/* A chunk per byte is for tests; a million tasks is what a coordinator is made for. */
enum { MAX_CHUNKS_PER_FILE = 1 << 20 };
#define MAX_CHUNK_BYTES (UINT64_C(1) << 30) /* origins are 32 bits wide */

static qn_code file_size(const char *path, uint64_t *out, struct qn_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT
                   ? qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "no such file: %s", path)
                   : qn_err_io(err, "stat", path);
    *out = (uint64_t)st.st_size;
    return QN_OK;
}

/* Room for `more` after the n there are. Only this function makes the array, with room for a power
 * of two, so that ten thousand files do not cost ten thousand copies. */
static qn_code reserve_chunks(struct qn_arena *arena, struct qn_chunk **chunks, uint32_t n,
                              uint32_t more, struct qn_err *err)
{
    size_t room = 1, wanted = (size_t)n + more;
    while (room < n)
        room *= 2;
    if (n && wanted <= room)
        return QN_OK;
    while (room < wanted)
        room *= 2;
    struct qn_chunk *grown = QN_NEW_ARRAY(arena, struct qn_chunk, room);
    if (!grown || wanted > UINT32_MAX)
        return qn_err_nomem(err, "chunks");
    if (n)
        memcpy(grown, *chunks, n * sizeof **chunks);
    *chunks = grown;
    return QN_OK;
}

qn_code qn_text_chunks(const struct qn_source_options *options, const struct qn_source_info *info,
                       uint32_t file_index, struct qn_arena *arena, struct qn_chunk **chunks,
                       uint32_t *n, struct qn_err *err)
{
    (void)info;
    const char *path = options->paths[file_index];
    uint64_t bytes = 0, step = options->chunk_bytes ? options->chunk_bytes : QN_DEFAULT_CHUNK_BYTES;
    QN_TRY(file_size(path, &bytes, err));
    uint64_t count = bytes ? (bytes - 1) / step + 1 : 1;
    if (step > MAX_CHUNK_BYTES || count > MAX_CHUNKS_PER_FILE)
        return qn_err_set(
            err, QN_ELIMIT, QN_BLAME_JOB,
            "source %s: a chunk_size of %llu bytes gives %llu chunks for %s; expected "
            "at most 1 GiB a chunk and %d chunks a file",
            options->name, (unsigned long long)step, (unsigned long long)count, path,
            MAX_CHUNKS_PER_FILE);
    QN_TRY(reserve_chunks(arena, chunks, *n, (uint32_t)count, err));
    for (uint64_t k = 0; k < count; k++)
        (*chunks)[(*n)++] = (struct qn_chunk){.file_index = file_index,
                                              .path = path,
                                              .begin = k * step,
                                              .end = k + 1 < count ? (k + 1) * step : bytes,
                                              .start = QN_START_UNKNOWN,
                                              .file_bytes = bytes};
    return QN_OK;
}
