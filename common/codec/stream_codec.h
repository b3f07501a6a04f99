/* stream_codec: what a compressed format gives to stream.c. One format is one file. */
#ifndef QN_CODEC_STREAM_CODEC_H
#define QN_CODEC_STREAM_CODEC_H

#include "codec/stream.h"

enum {
    QN_STREAM_HEAD = 18, /* bytes that tell a frame's format; fewer at the file's end */
    /* What a frame may ask to be remembered while it is read: the most that the usual tools make
     * without being told to (zstd --ultra -22, xz -9). */
    QN_STREAM_WINDOW_LOG = 27,
};
#define QN_STREAM_MEMORY_BYTES (UINT64_C(160) << 20) /* xz: the window and what goes with it */

enum qn_stream_step { QN_STREAM_MORE, QN_STREAM_FRAME_END, QN_STREAM_BAD, QN_STREAM_NOMEM };

/* Input and room for output; both move on. */
struct qn_stream_io {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_len;
    const char *complaint; /* QN_STREAM_BAD: what the library says, static */
};

struct qn_stream_codec {
    const char *name, *frame;
    bool padded; /* zeros may stand between frames and behind the last */
    bool (*begins)(const unsigned char *head, size_t len);
    void *(*open)(void); /* NULL: no memory */
    /* Ready for a frame's first byte; false: no memory. */
    bool (*reset)(void *state);
    enum qn_stream_step (*step)(void *state, struct qn_stream_io *io);
    void (*close)(void *state);
    /* Adds all frames in order, or leaves when one does not say how long it is. Nothing read from
     * the file is to be trusted; NULL: the format never says. */
    qn_code (*frames)(const struct qn_stream_file *file, struct qn_frames *frames,
                      struct qn_err *err);
};

extern const struct qn_stream_codec qn_stream_gzip, qn_stream_zstd, qn_stream_lz4, qn_stream_bzip2,
    qn_stream_xz;

/* Up to n bytes at `from`; *got less only at the file's end, as its size says. */
QN_CHECK qn_code qn_stream_pread(const struct qn_stream_file *file, uint64_t from, void *to,
                                 size_t n, size_t *got, struct qn_err *err);

/* A few bytes here and there, in ascending order, without a call to the system for each. */
struct qn_stream_peek {
    const struct qn_stream_file *file;
    uint64_t from; /* of what `bytes` holds */
    size_t held;
    unsigned char bytes[1024];
};
QN_CHECK qn_code qn_stream_peek(struct qn_stream_peek *peek, uint64_t at, size_t n,
                                const unsigned char **bytes, size_t *got, struct qn_err *err);

/* A frame of `text_bytes`, behind those added before. QN_EINPUT when the sum overflows. */
QN_CHECK qn_code qn_frames_add(struct qn_frames *frames, uint64_t file_offset, uint64_t text_bytes,
                               struct qn_err *err);

/* Some frame does not say: the file is read from its start only. */
void qn_frames_clear(struct qn_frames *frames);

static inline uint32_t qn_stream_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t qn_stream_u64(const unsigned char *bytes)
{
    return qn_stream_u32(bytes) | (uint64_t)qn_stream_u32(bytes + 4) << 32;
}

/* A frame that all readers of zstd and lz4 pass over. */
static inline bool qn_stream_is_skippable(const unsigned char *head, size_t len)
{
    return len >= 8 && (qn_stream_u32(head) & 0xFFFFFFF0U) == 0x184D2A50U;
}

#endif
