/* lz4 in its frame format; cut at frames that say how much they hold. */
#include <lz4frame.h>
#include <string.h>

#include "codec/stream_codec.h"

#define MAGIC 0x184D2204U

static bool lz4_begins(const unsigned char *head, size_t len)
{
    return (len >= 7 && qn_stream_u32(head) == MAGIC) || qn_stream_is_skippable(head, len);
}

static void *lz4_open(void)
{
    LZ4F_dctx *context = NULL;
    return LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ? NULL : context;
}

static bool lz4_reset(void *state)
{
    LZ4F_resetDecompressionContext(state);
    return true;
}

static enum qn_stream_step lz4_step(void *state, struct qn_stream_io *io)
{
    size_t in = io->in_len, out = io->out_len;
    size_t code = LZ4F_decompress(state, io->out, &out, io->in, &in, NULL);
    if (LZ4F_isError(code)) {
        io->complaint = LZ4F_getErrorName(code);
        return QN_STREAM_BAD;
    }
    io->in += in;
    io->in_len -= in;
    io->out += out;
    io->out_len -= out;
    return code == 0 ? QN_STREAM_FRAME_END : QN_STREAM_MORE;
}

static void lz4_close(void *state)
{
    (void)LZ4F_freeDecompressionContext(state);
}

/* --- frames ---------------------------------------------------------------------------------- */

enum flag { HAS_ID = 1, HAS_CHECKSUM = 4, HAS_SIZE = 8, HAS_BLOCK_CHECKSUMS = 16 };

/* The frame's end by the sizes of its blocks; 0 when the file ends before. */
static qn_code find_end(struct qn_stream_peek *peek, uint64_t at, unsigned flags, uint64_t *end,
                        struct qn_err *err)
{
    enum { BLOCK_HEAD = 4, SIZE_BITS = 0x7FFFFFFF };
    *end = 0;
    at += 4U + 2 + 8 + (flags & HAS_ID ? 4U : 0U) + 1;
    for (;;) {
        const unsigned char *bytes;
        size_t got;
        QN_TRY(qn_stream_peek(peek, at, BLOCK_HEAD, &bytes, &got, err));
        if (got < BLOCK_HEAD)
            return QN_OK;
        uint32_t block = qn_stream_u32(bytes);
        at += BLOCK_HEAD;
        if (block == 0)
            break;
        at += (block & SIZE_BITS) + (flags & HAS_BLOCK_CHECKSUMS ? 4U : 0U);
    }
    at += flags & HAS_CHECKSUM ? 4 : 0;
    *end = at <= peek->file->bytes ? at : 0;
    return QN_OK;
}

static qn_code lz4_frames(const struct qn_stream_file *file, struct qn_frames *frames,
                          struct qn_err *err)
{
    struct qn_stream_peek peek = {.file = file};
    for (uint64_t at = 0; at < file->bytes;) {
        unsigned char head[QN_STREAM_HEAD];
        size_t got;
        uint64_t end = 0, size = 0;
        QN_TRY(qn_stream_pread(file, at, head, sizeof head, &got, err));
        if (qn_stream_is_skippable(head, got)) {
            end = at + 8 + qn_stream_u32(head + 4);
            end = end <= file->bytes ? end : 0;
        } else if (got == sizeof head && lz4_begins(head, got) && (head[4] & HAS_SIZE)) {
            size = qn_stream_u64(head + 6);
            QN_TRY(find_end(&peek, at, head[4], &end, err));
        }
        if (!end) {
            qn_frames_clear(frames);
            return QN_OK;
        }
        QN_TRY(qn_frames_add(frames, at, size, err));
        at = end;
    }
    return QN_OK;
}

const struct qn_stream_codec qn_stream_lz4 = {
    .name = "lz4",
    .frame = "frame",
    .begins = lz4_begins,
    .open = lz4_open,
    .reset = lz4_reset,
    .step = lz4_step,
    .close = lz4_close,
    .frames = lz4_frames,
};
