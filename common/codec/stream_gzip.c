/* gzip (RFC 1952) by zlib; cut at the blocks of bgzip, which say in their headers how long they are
 * (BGZF, in the SAM format's specification). */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec/stream_codec.h"

enum { GZIP_AND_LARGEST_WINDOW = 16 + MAX_WBITS };

static bool gzip_begins(const unsigned char *head, size_t len)
{
    return len >= 10 && head[0] == 0x1F && head[1] == 0x8B && head[2] == 8 && head[3] < 0x20;
}

static void *gzip_open(void)
{
    z_stream *z = calloc(1, sizeof *z);
    if (z && inflateInit2(z, GZIP_AND_LARGEST_WINDOW) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

static bool gzip_reset(void *state)
{
    return inflateReset(state) == Z_OK;
}

static enum qn_stream_step gzip_step(void *state, struct qn_stream_io *io)
{
    z_stream *z = state;
    uInt in = io->in_len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)io->in_len;
    uInt out = io->out_len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)io->out_len;
    z->next_in = (z_const Bytef *)(uintptr_t)io->in; /* zlib does not write to it */
    z->avail_in = in;
    z->next_out = io->out;
    z->avail_out = out;
    int code = inflate(z, Z_NO_FLUSH);
    io->in += in - z->avail_in;
    io->in_len -= in - z->avail_in;
    io->out += out - z->avail_out;
    io->out_len -= out - z->avail_out;
    if (code == Z_STREAM_END)
        return QN_STREAM_FRAME_END;
    if (code == Z_OK || code == Z_BUF_ERROR)
        return QN_STREAM_MORE;
    io->complaint = z->msg ? z->msg : "it needs a dictionary";
    return code == Z_MEM_ERROR ? QN_STREAM_NOMEM : QN_STREAM_BAD;
}

static void gzip_close(void *state)
{
    inflateEnd(state);
    free(state);
}

/* --- bgzip ----------------------------------------------------------------------------------- */

/* Bytes of the block by its header, 0 when it is none of bgzip's. Its own writer puts the field
 * that says so first and alone. */
static uint64_t block_bytes(const unsigned char *head)
{
    static const unsigned char field[] = {6, 0, 'B', 'C', 2, 0};
    bool is_block = gzip_begins(head, QN_STREAM_HEAD) && (head[3] & 4) &&
                    memcmp(head + 10, field, sizeof field) == 0;
    return is_block ? ((uint64_t)head[16] | (uint64_t)head[17] << 8) + 1 : 0;
}

static qn_code gzip_frames(const struct qn_stream_file *file, struct qn_frames *frames,
                           struct qn_err *err)
{
    enum { LENGTH = 4, LEAST_BLOCK = QN_STREAM_HEAD + 8 };
    struct qn_stream_peek peek = {.file = file};
    for (uint64_t at = 0; at < file->bytes;) {
        const unsigned char *bytes;
        size_t got;
        QN_TRY(qn_stream_peek(&peek, at, QN_STREAM_HEAD, &bytes, &got, err));
        uint64_t block = got == QN_STREAM_HEAD ? block_bytes(bytes) : 0;
        if (block < LEAST_BLOCK || block > file->bytes - at) {
            qn_frames_clear(frames);
            return QN_OK;
        }
        QN_TRY(qn_stream_peek(&peek, at + block - LENGTH, LENGTH, &bytes, &got, err));
        QN_TRY(qn_frames_add(frames, at, qn_stream_u32(bytes), err));
        at += block;
    }
    return QN_OK;
}

const struct qn_stream_codec qn_stream_gzip = {
    .name = "gzip",
    .frame = "member",
    .padded = true,
    .begins = gzip_begins,
    .open = gzip_open,
    .reset = gzip_reset,
    .step = gzip_step,
    .close = gzip_close,
    .frames = gzip_frames,
};
