/* zstd (RFC 8878); cut at frames that say how much they hold, or that the seekable format's table
 * lists. */
#include <stdlib.h>
#include <zstd.h>

#include "codec/stream_codec.h"

#define MAGIC 0xFD2FB528U

static bool zstd_begins(const unsigned char *head, size_t len)
{
    return (len >= 4 && qn_stream_u32(head) == MAGIC) || qn_stream_is_skippable(head, len);
}

static void *zstd_open(void)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context &&
        ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, QN_STREAM_WINDOW_LOG))) {
        ZSTD_freeDCtx(context);
        return NULL;
    }
    return context;
}

static bool zstd_reset(void *state)
{
    return !ZSTD_isError(ZSTD_DCtx_reset(state, ZSTD_reset_session_only));
}

static enum qn_stream_step zstd_step(void *state, struct qn_stream_io *io)
{
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_len, 0};
    size_t code = ZSTD_decompressStream(state, &out, &in);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_len -= out.pos;
    if (!ZSTD_isError(code))
        return code == 0 ? QN_STREAM_FRAME_END : QN_STREAM_MORE;
    io->complaint = ZSTD_getErrorName(code);
    return QN_STREAM_BAD;
}

static void zstd_close(void *state)
{
    ZSTD_freeDCtx(state);
}

/* --- frames ---------------------------------------------------------------------------------- */

/* Where the frame's first block stands behind its header. */
static size_t header_bytes(const unsigned char *head)
{
    static const unsigned char id_bytes[] = {0, 1, 2, 4}, size_bytes[] = {0, 2, 4, 8};
    unsigned descriptor = head[4];
    bool single = descriptor & 0x20;
    size_t size = size_bytes[descriptor >> 6], id = id_bytes[descriptor & 3];
    return single ? 5 + id + (size ? size : 1) : 6 + id + size;
}

/* The frame's end by the headers of its blocks; 0 when the file ends before. */
static qn_code find_end(struct qn_stream_peek *peek, uint64_t at, const unsigned char *head,
                        uint64_t *end, struct qn_err *err)
{
    enum { RAW, REPEATED, COMPRESSED, RESERVED, BLOCK_HEAD = 3 };
    bool checksum = head[4] & 4;
    *end = 0;
    at += header_bytes(head);
    for (bool last = false; !last;) {
        const unsigned char *bytes;
        size_t got;
        QN_TRY(qn_stream_peek(peek, at, BLOCK_HEAD, &bytes, &got, err));
        if (got < BLOCK_HEAD)
            return QN_OK;
        uint32_t block = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
        uint32_t kind = block >> 1 & 3;
        if (kind == RESERVED)
            return QN_OK;
        last = block & 1;
        at += BLOCK_HEAD + (kind == REPEATED ? 1 : block >> 3);
    }
    at += checksum ? 4 : 0;
    *end = at <= peek->file->bytes ? at : 0;
    return QN_OK;
}

static qn_code walk_frames(const struct qn_stream_file *file, struct qn_frames *frames,
                           struct qn_err *err)
{
    struct qn_stream_peek peek = {.file = file};
    for (uint64_t at = 0; at < file->bytes;) {
        unsigned char head[QN_STREAM_HEAD] = {0};
        size_t got;
        uint64_t end = 0;
        QN_TRY(qn_stream_pread(file, at, head, sizeof head, &got, err));
        if (qn_stream_is_skippable(head, got)) {
            end = at + 8 + qn_stream_u32(head + 4);
            if (end > file->bytes)
                end = 0;
            if (end)
                QN_TRY(qn_frames_add(frames, at, 0, err));
        } else if (zstd_begins(head, got)) {
            unsigned long long size = ZSTD_getFrameContentSize(head, got);
            if (size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN)
                QN_TRY(find_end(&peek, at, head, &end, err));
            if (end)
                QN_TRY(qn_frames_add(frames, at, size, err));
        }
        if (!end) {
            qn_frames_clear(frames);
            return QN_OK;
        }
        at = end;
    }
    return QN_OK;
}

/* The table that the seekable format leaves in a frame of its own at the file's end. */
static qn_code read_table(const struct qn_stream_file *file, struct qn_frames *frames,
                          struct qn_err *err)
{
    enum { FOOTER = 9, FRAME_HEAD = 8 };
    unsigned char foot[FOOTER];
    const unsigned char *entry;
    struct qn_stream_peek peek = {.file = file};
    size_t got;
    if (file->bytes < FRAME_HEAD + FOOTER)
        return QN_OK;
    QN_TRY(qn_stream_pread(file, file->bytes - FOOTER, foot, FOOTER, &got, err));
    size_t entry_bytes = foot[4] & 0x80 ? 12 : 8;
    uint64_t n = qn_stream_u32(foot), table_bytes = FRAME_HEAD + n * entry_bytes + FOOTER;
    if (qn_stream_u32(foot + 5) != 0x8F92EAB1U || table_bytes > file->bytes)
        return QN_OK;
    uint64_t at = 0, table_at = file->bytes - table_bytes;
    for (uint64_t i = 0; i < n; i++) {
        QN_TRY(qn_stream_peek(&peek, table_at + FRAME_HEAD + i * entry_bytes, entry_bytes, &entry,
                              &got, err));
        QN_TRY(qn_frames_add(frames, at, qn_stream_u32(entry + 4), err));
        at += qn_stream_u32(entry);
    }
    if (at != table_at) /* not what it seemed */
        qn_frames_clear(frames);
    return QN_OK;
}

static qn_code zstd_frames(const struct qn_stream_file *file, struct qn_frames *frames,
                           struct qn_err *err)
{
    QN_TRY(walk_frames(file, frames, err));
    return frames->n ? QN_OK : read_table(file, frames, err);
}

const struct qn_stream_codec qn_stream_zstd = {
    .name = "zstd",
    .frame = "frame",
    .begins = zstd_begins,
    .open = zstd_open,
    .reset = zstd_reset,
    .step = zstd_step,
    .close = zstd_close,
    .frames = zstd_frames,
};
