/* xz by liblzma; cut at its streams, whose indexes say how much they hold. */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "codec/stream_codec.h"

static bool xz_begins(const unsigned char *head, size_t len)
{
    static const unsigned char magic[] = {0xFD, '7', 'z', 'X', 'Z', 0};
    return len >= LZMA_STREAM_HEADER_SIZE && memcmp(head, magic, sizeof magic) == 0;
}

static void *xz_open(void)
{
    return calloc(1, sizeof(lzma_stream)); /* as LZMA_STREAM_INIT */
}

static bool xz_reset(void *state)
{
    return lzma_stream_decoder(state, QN_STREAM_MEMORY_BYTES, 0) == LZMA_OK;
}

static const char *xz_complaint(lzma_ret code)
{
    switch (code) {
    case LZMA_MEMLIMIT_ERROR: return "it needs more than 160 MiB of memory to read";
    case LZMA_FORMAT_ERROR: return "a header is damaged";
    case LZMA_OPTIONS_ERROR: return "it asks for options that are not known";
    default: return "a block or an index is damaged";
    }
}

static void xz_move(struct qn_stream_io *io, const lzma_stream *stream)
{
    io->in = stream->next_in;
    io->in_len = stream->avail_in;
    io->out = stream->next_out;
    io->out_len = stream->avail_out;
}

static enum qn_stream_step xz_step(void *state, struct qn_stream_io *io)
{
    lzma_stream *stream = state;
    stream->next_in = io->in;
    stream->avail_in = io->in_len;
    stream->next_out = io->out;
    stream->avail_out = io->out_len;
    lzma_ret code = lzma_code(stream, LZMA_RUN);
    xz_move(io, stream);
    if (code == LZMA_OK || code == LZMA_BUF_ERROR)
        return QN_STREAM_MORE;
    if (code == LZMA_STREAM_END)
        return QN_STREAM_FRAME_END;
    io->complaint = xz_complaint(code);
    return code == LZMA_MEM_ERROR ? QN_STREAM_NOMEM : QN_STREAM_BAD;
}

static void xz_close(void *state)
{
    lzma_end(state);
    free(state);
}

/* --- streams --------------------------------------------------------------------------------- */

static qn_code add_streams(const lzma_index *index, struct qn_frames *frames, struct qn_err *err)
{
    lzma_index_iter at;
    lzma_index_iter_init(&at, index);
    while (!lzma_index_iter_next(&at, LZMA_INDEX_ITER_STREAM))
        QN_TRY(
            qn_frames_add(frames, at.stream.compressed_offset, at.stream.uncompressed_size, err));
    return QN_OK;
}

/* liblzma says where it wants to read; a file that it cannot follow is read from its start. */
static qn_code read_index(lzma_stream *stream, const struct qn_stream_file *file, bool *found,
                          struct qn_err *err)
{
    unsigned char bytes[4096];
    uint64_t at = 0;
    for (;;) {
        if (stream->avail_in == 0) {
            QN_TRY(qn_stream_pread(file, at, bytes, sizeof bytes, &stream->avail_in, err));
            stream->next_in = bytes;
            at += stream->avail_in;
        }
        lzma_ret code = lzma_code(stream, LZMA_RUN);
        if (code == LZMA_SEEK_NEEDED) {
            at = stream->seek_pos;
            stream->avail_in = 0;
        } else if (code != LZMA_OK) {
            *found = code == LZMA_STREAM_END;
            return QN_OK;
        }
    }
}

static qn_code xz_frames(const struct qn_stream_file *file, struct qn_frames *frames,
                         struct qn_err *err)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    lzma_index *index = NULL;
    bool found = false;
    if (lzma_file_info_decoder(&stream, &index, QN_STREAM_MEMORY_BYTES, file->bytes) != LZMA_OK)
        return qn_err_nomem(err, "an xz index");
    qn_code code = read_index(&stream, file, &found, err);
    lzma_end(&stream);
    if (code == QN_OK && found)
        code = add_streams(index, frames, err);
    lzma_index_end(index, NULL);
    return code;
}

const struct qn_stream_codec qn_stream_xz = {
    .name = "xz",
    .frame = "stream",
    .padded = true,
    .begins = xz_begins,
    .open = xz_open,
    .reset = xz_reset,
    .step = xz_step,
    .close = xz_close,
    .frames = xz_frames,
};
