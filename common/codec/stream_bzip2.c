/* bzip2. Its streams do not say how much they hold, so a file is read from its start only. */
#include <bzlib.h>
#include <stdlib.h>
#include <string.h>

#include "codec/stream_codec.h"

struct bzip2 {
    bz_stream stream;
    bool begun;
};

static bool bzip2_begins(const unsigned char *head, size_t len)
{
    static const unsigned char block[] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
    static const unsigned char end[] = {0x17, 0x72, 0x45, 0x38, 0x50, 0x90}; /* nothing in it */
    return len >= 10 && memcmp(head, "BZh", 3) == 0 && head[3] >= '1' && head[3] <= '9' &&
           (memcmp(head + 4, block, sizeof block) == 0 || memcmp(head + 4, end, sizeof end) == 0);
}

static void *bzip2_open(void)
{
    return calloc(1, sizeof(struct bzip2));
}

static bool bzip2_reset(void *state)
{
    struct bzip2 *self = state;
    if (self->begun)
        BZ2_bzDecompressEnd(&self->stream);
    self->stream = (bz_stream){0};
    self->begun = BZ2_bzDecompressInit(&self->stream, 0, 0) == BZ_OK;
    return self->begun;
}

static enum qn_stream_step bzip2_step(void *state, struct qn_stream_io *io)
{
    bz_stream *stream = &((struct bzip2 *)state)->stream;
    unsigned in = io->in_len > INT32_MAX ? INT32_MAX : (unsigned)io->in_len;
    unsigned out = io->out_len > INT32_MAX ? INT32_MAX : (unsigned)io->out_len;
    stream->next_in = (char *)(uintptr_t)io->in; /* bzip2 does not write to it */
    stream->avail_in = in;
    stream->next_out = (char *)io->out;
    stream->avail_out = out;
    int code = BZ2_bzDecompress(stream);
    io->in += in - stream->avail_in;
    io->in_len -= in - stream->avail_in;
    io->out += out - stream->avail_out;
    io->out_len -= out - stream->avail_out;
    if (code == BZ_OK)
        return QN_STREAM_MORE;
    if (code == BZ_STREAM_END)
        return QN_STREAM_FRAME_END;
    io->complaint = "a block is damaged";
    return code == BZ_MEM_ERROR ? QN_STREAM_NOMEM : QN_STREAM_BAD;
}

static void bzip2_close(void *state)
{
    struct bzip2 *self = state;
    if (self->begun)
        BZ2_bzDecompressEnd(&self->stream);
    free(self);
}

const struct qn_stream_codec qn_stream_bzip2 = {
    .name = "bzip2",
    .frame = "stream",
    .begins = bzip2_begins,
    .open = bzip2_open,
    .reset = bzip2_reset,
    .step = bzip2_step,
    .close = bzip2_close,
};
