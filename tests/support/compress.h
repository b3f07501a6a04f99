/* Compresses texts as the usual tools do, in one frame or in many, for tests of what reads them. */
#ifndef QN_TESTS_SUPPORT_COMPRESS_H
#define QN_TESTS_SUPPORT_COMPRESS_H

#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "tests/support/test.h"

enum packing {
    PACK_GZIP,
    PACK_BGZIP, /* members that say how long they are, and an empty one at the end */
    PACK_ZSTD,
    PACK_ZSTD_UNSIZED,  /* frames do not say how much they hold */
    PACK_ZSTD_SEEKABLE, /* but a table at the end does */
    PACK_LZ4,
    PACK_LZ4_UNSIZED,
    PACK_BZIP2,
    PACK_XZ,
    PACKINGS
};

static const char *const packing_suffixes[PACKINGS] = {".gz",  ".gz",  ".zst", ".zst", ".zst",
                                                       ".lz4", ".lz4", ".bz2", ".xz"};

/* Whether files of many frames can be split. */
static inline bool packing_is_cut(enum packing how)
{
    return how != PACK_GZIP && how != PACK_ZSTD_UNSIZED && how != PACK_LZ4_UNSIZED &&
           how != PACK_BZIP2;
}

static inline void pack_gzip(struct qn_buf *out, struct qn_strv text, bool says_length)
{
    size_t at = out->len, room = text.len + text.len / 10 + 200;
    unsigned char extra[] = {'B', 'C', 2, 0, 0, 0};
    gz_header header = {.extra = extra, .extra_len = sizeof extra, .os = 255};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (says_length)
        assert_int_equal(deflateSetHeader(&z, &header), Z_OK);
    z.next_in = (z_const Bytef *)(uintptr_t)text.data;
    z.avail_in = (uInt)text.len;
    z.next_out = qn_buf_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len = at + room - z.avail_out;
    deflateEnd(&z);
    size_t block = out->len - at - 1;
    if (says_length) {
        out->data[at + 16] = (uint8_t)block;
        out->data[at + 17] = (uint8_t)(block >> 8);
    }
}

static inline void pack_zstd(struct qn_buf *out, struct qn_strv text, bool sized)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(text.len);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, sized);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t n = ZSTD_compress2(context, qn_buf_reserve(out, room), room, text.data, text.len);
    assert_false(ZSTD_isError(n));
    out->len += n;
    ZSTD_freeCCtx(context);
}

static inline void pack_lz4(struct qn_buf *out, struct qn_strv text, bool sized)
{
    LZ4F_preferences_t like = {.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled,
                                             .blockChecksumFlag = LZ4F_blockChecksumEnabled,
                                             .contentSize = sized ? text.len : 0}};
    size_t room = LZ4F_compressFrameBound(text.len, &like);
    size_t n = LZ4F_compressFrame(qn_buf_reserve(out, room), room, text.data, text.len, &like);
    assert_false(LZ4F_isError(n));
    out->len += n;
}

static inline void pack_bzip2(struct qn_buf *out, struct qn_strv text)
{
    unsigned n = (unsigned)(text.len + text.len / 50 + 700);
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)qn_buf_reserve(out, n), &n,
                                              (char *)(uintptr_t)text.data, (unsigned)text.len, 1,
                                              0, 0),
                     BZ_OK);
    out->len += n;
}

static inline void pack_xz(struct qn_buf *out, struct qn_strv text)
{
    size_t room = lzma_stream_buffer_bound(text.len), n = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, (const uint8_t *)text.data,
                                             text.len, qn_buf_reserve(out, room), &n, room),
                     LZMA_OK);
    out->len += n;
}

static inline void pack_frame(struct qn_buf *out, enum packing how, struct qn_strv text)
{
    switch (how) {
    case PACK_GZIP:
    case PACK_BGZIP: pack_gzip(out, text, how == PACK_BGZIP); break;
    case PACK_ZSTD:
    case PACK_ZSTD_UNSIZED:
    case PACK_ZSTD_SEEKABLE: pack_zstd(out, text, how == PACK_ZSTD); break;
    case PACK_LZ4:
    case PACK_LZ4_UNSIZED: pack_lz4(out, text, how == PACK_LZ4); break;
    case PACK_BZIP2: pack_bzip2(out, text); break;
    default: pack_xz(out, text);
    }
}

/* Appends frames of frame_bytes of text each, at least one. */
static inline void pack(struct qn_buf *out, enum packing how, struct qn_strv text,
                        size_t frame_bytes)
{
    struct qn_buf table;
    uint32_t n = 0;
    qn_buf_init(&table);
    for (size_t at = 0; at < text.len || n == 0; n++) {
        size_t bytes = text.len - at < frame_bytes ? text.len - at : frame_bytes, before = out->len;
        pack_frame(out, how, (struct qn_strv){text.data ? text.data + at : "", bytes});
        qn_buf_put_u32(&table, (uint32_t)(out->len - before));
        qn_buf_put_u32(&table, (uint32_t)bytes);
        at += bytes;
    }
    if (how == PACK_BGZIP)
        pack_gzip(out, (struct qn_strv){"", 0}, true);
    if (how == PACK_ZSTD_SEEKABLE) {
        qn_buf_put_u32(out, 0x184D2A5E);
        qn_buf_put_u32(out, (uint32_t)table.len + 9);
        qn_buf_put(out, table.data, table.len);
        qn_buf_put_u32(out, n);
        qn_buf_put_u8(out, 0);
        qn_buf_put_u32(out, 0x8F92EAB1);
    }
    qn_buf_fini(&table);
    assert_false(out->failed);
}

#endif
