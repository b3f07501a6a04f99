#include "sources/text_chunks.h"

#include <string.h>

#include "base/limits.h"
#include "sources/text_window.h"

/* A chunk per byte is for tests; a million tasks is what a coordinator is made for. */
enum { MAX_CHUNKS_PER_FILE = 1 << 20 };
#define MAX_CHUNK_BYTES (UINT64_C(1) << 30) /* origins are 32 bits wide */

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

static qn_code check_count(const struct qn_source_options *options, const char *path, uint64_t step,
                           uint64_t count, struct qn_err *err)
{
    if (step <= MAX_CHUNK_BYTES && count <= MAX_CHUNKS_PER_FILE)
        return QN_OK;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                      "source %s: a chunk_size of %llu bytes gives %llu chunks for %s; expected "
                      "at most 1 GiB a chunk and %d chunks a file",
                      options->name, (unsigned long long)step, (unsigned long long)count, path,
                      MAX_CHUNKS_PER_FILE);
}

qn_code qn_text_chunks_reserve(const struct qn_source_options *options, const char *path,
                               struct qn_arena *arena, struct qn_chunk **chunks, uint32_t n,
                               uint64_t count, struct qn_err *err)
{
    QN_TRY(check_count(options, path, 1, count, err));
    return reserve_chunks(arena, chunks, n, (uint32_t)count, err);
}

/* --- compressed ------------------------------------------------------------------------------ */

/* Chunk k begins in frame k. A last frame that is too short for that goes to the one before. */
static qn_code cut_frames(const struct qn_source_options *options, uint32_t file_index,
                          const struct qn_stream_file *file, struct qn_frames *frames,
                          struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                          struct qn_err *err)
{
    size_t count = frames->n ? frames->n : 1;
    while (count > 1 &&
           frames->text_bytes - frames->list[count - 1].text_offset <= QN_TEXT_LOOKBACK)
        count--;
    QN_TRY(check_count(options, file->path, 1, count, err));
    QN_TRY(reserve_chunks(arena, chunks, *n, (uint32_t)count, err));
    struct qn_chunk chunk = {.file_index = file_index,
                             .path = file->path,
                             .start = QN_START_UNKNOWN,
                             .file_bytes = file->bytes};
    for (size_t k = 0; k < count; k++) {
        bool last = k + 1 == count;
        chunk.end = last ? UINT64_MAX : frames->list[k + 1].text_offset + QN_TEXT_LOOKBACK;
        chunk.file_end = last ? file->bytes : frames->list[k + 1].file_offset;
        if (last && frames->n)
            chunk.end = frames->text_bytes;
        (*chunks)[(*n)++] = chunk;
        chunk.begin = chunk.end;
        chunk.file_begin = chunk.file_end;
    }
    return QN_OK;
}

static uint64_t frame_step(const struct qn_source_options *options)
{
    uint64_t step = options->chunk_bytes ? options->chunk_bytes : QN_DEFAULT_CHUNK_BYTES;
    return step > QN_TEXT_LOOKBACK ? step : QN_TEXT_LOOKBACK + 1;
}

static qn_code chunks_compressed(const struct qn_source_options *options, uint32_t file_index,
                                 const struct qn_stream_file *file,
                                 const struct qn_stream_codec *codec, struct qn_arena *arena,
                                 struct qn_chunk **chunks, uint32_t *n, struct qn_err *err)
{
    struct qn_frames frames = {.step = frame_step(options)};
    qn_code code = qn_frames_find(&frames, file, codec, err);
    if (code == QN_OK)
        code = cut_frames(options, file_index, file, &frames, arena, chunks, n, err);
    qn_frames_fini(&frames);
    return code;
}

const char *qn_text_compression(const struct qn_source_options *options,
                                const struct qn_text_window *window, struct qn_arena *arena)
{
    const struct qn_stream_file file = {window->fd, window->path, window->file_bytes};
    const char *name = qn_stream_codec_name(window->codec);
    const char *frame = qn_stream_codec_frame(window->codec);
    struct qn_frames frames = {.step = frame_step(options)};
    bool cut = qn_frames_find(&frames, &file, window->codec, NULL) == QN_OK && frames.n > 1;
    qn_frames_fini(&frames);
    return cut ? qn_arena_printf(arena, "%s, split at its %ss", name, frame)
               : qn_arena_printf(arena,
                                 "%s, one chunk a file (not splittable: one %s, or %ss that do "
                                 "not say how much they hold)",
                                 name, frame, frame);
}

/* --- as it is -------------------------------------------------------------------------------- */

/* Without a chunk_size chunks are equal, and so many that two or four workers get as much each. */
static uint64_t even_step(uint64_t bytes)
{
    enum { SHARES = 4 };
    uint64_t count = bytes ? (bytes - 1) / QN_DEFAULT_CHUNK_BYTES + 1 : 1;
    if (count > 1)
        count = (count + SHARES - 1) / SHARES * SHARES;
    return bytes ? (bytes - 1) / count + 1 : 1;
}

static qn_code chunks_plain(const struct qn_source_options *options, uint32_t file_index,
                            const struct qn_stream_file *file, struct qn_arena *arena,
                            struct qn_chunk **chunks, uint32_t *n, struct qn_err *err)
{
    uint64_t bytes = file->bytes;
    uint64_t step = options->chunk_bytes ? options->chunk_bytes : even_step(bytes);
    uint64_t count = bytes ? (bytes - 1) / step + 1 : 1;
    QN_TRY(check_count(options, file->path, step, count, err));
    QN_TRY(reserve_chunks(arena, chunks, *n, (uint32_t)count, err));
    for (uint64_t k = 0; k < count; k++)
        (*chunks)[(*n)++] = (struct qn_chunk){.file_index = file_index,
                                              .path = file->path,
                                              .begin = k * step,
                                              .end = k + 1 < count ? (k + 1) * step : bytes,
                                              .start = QN_START_UNKNOWN,
                                              .file_bytes = bytes};
    return QN_OK;
}

qn_code qn_text_chunks(const struct qn_source_options *options, const struct qn_source_info *info,
                       uint32_t file_index, struct qn_arena *arena, struct qn_chunk **chunks,
                       uint32_t *n, struct qn_err *err)
{
    (void)info;
    struct qn_text_window window;
    QN_TRY(qn_text_window_open(&window, options->paths[file_index], UINT64_MAX, err));
    const struct qn_stream_file file = {window.fd, window.path, window.file_bytes};
    qn_code code = window.codec ? chunks_compressed(options, file_index, &file, window.codec, arena,
                                                    chunks, n, err)
                                : chunks_plain(options, file_index, &file, arena, chunks, n, err);
    qn_text_window_close(&window);
    return code;
}
