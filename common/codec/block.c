#include "codec/block.h"

#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "codec/lz4_block.h"
#include "codec/snappy.h"

enum {
    ZSTD_USUAL_LEVEL = 3,
    GZIP_USUAL_LEVEL = 6,
    GZIP_WRAPPER = 16 + MAX_WBITS, /* zlib's way to say "gzip header" */
    ANY_WRAPPER = 32 + MAX_WBITS,  /* "gzip's or zlib's header" */
    GZIP_MEMORY = 8,
};

void qn_block_state_fini(struct qn_block_state *state)
{
    ZSTD_freeDCtx(state->zstd_reader);
    ZSTD_freeCCtx(state->zstd_writer);
    if (state->gzip_reader)
        inflateEnd(state->gzip_reader);
    if (state->gzip_writer)
        deflateEnd(state->gzip_writer);
    free(state->gzip_reader);
    free(state->gzip_writer);
    *state = (struct qn_block_state){0};
}

const char *qn_block_codec_name(enum qn_block_codec codec)
{
    switch (codec) {
    case QN_BLOCK_NONE: return "none";
    case QN_BLOCK_SNAPPY: return "snappy";
    case QN_BLOCK_GZIP: return "gzip";
    case QN_BLOCK_ZSTD: return "zstd";
    case QN_BLOCK_LZ4:
    case QN_BLOCK_LZ4_FRAMED: return "lz4";
    }
    return "unknown";
}

uint32_t qn_block_crc32(struct qn_strv bytes)
{
    return (uint32_t)crc32_z(0, (const Bytef *)bytes.data, bytes.len);
}

uint32_t qn_block_crc32_more(uint32_t crc, struct qn_strv bytes)
{
    return bytes.len ? (uint32_t)crc32_z(crc, (const Bytef *)bytes.data, bytes.len) : crc;
}

int qn_block_max_level(enum qn_block_codec codec)
{
    switch (codec) {
    case QN_BLOCK_GZIP: return Z_BEST_COMPRESSION;
    case QN_BLOCK_ZSTD: return ZSTD_maxCLevel();
    case QN_BLOCK_LZ4: return LZ4HC_CLEVEL_MAX;
    case QN_BLOCK_NONE:
    case QN_BLOCK_SNAPPY:
    case QN_BLOCK_LZ4_FRAMED: break;
    }
    return 0;
}

uint64_t qn_block_most(enum qn_block_codec codec, uint64_t block_bytes)
{
    switch (codec) {
    case QN_BLOCK_NONE: return block_bytes;
    case QN_BLOCK_SNAPPY: return 22 * block_bytes + 64; /* copies of 64 bytes in three */
    case QN_BLOCK_GZIP: return 1040 * block_bytes + 64; /* 258 bytes in two bits */
    case QN_BLOCK_LZ4:
    case QN_BLOCK_LZ4_FRAMED: return 255 * block_bytes + 64;
    case QN_BLOCK_ZSTD: break; /* 128 KiB in four bytes */
    }
    return (block_bytes / 4 + 1) << 17;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code bad_block(struct qn_err *err, enum qn_block_codec codec, const char *why)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "a block of %s cannot be read: %s",
                      qn_block_codec_name(codec), why);
}

static qn_code wrong_size(struct qn_err *err, enum qn_block_codec codec, size_t want, size_t got)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "a block of %s holds %zu bytes; expected %zu, as was written beside it",
                      qn_block_codec_name(codec), got, want);
}

static qn_code read_snappy(struct qn_strv block, char *out, size_t n_out, struct qn_err *err)
{
    struct qn_strv body;
    size_t n = 0;
    if (!qn_snappy_open(block, &n, &body))
        return bad_block(err, QN_BLOCK_SNAPPY, "its length is not readable");
    if (n != n_out)
        return wrong_size(err, QN_BLOCK_SNAPPY, n_out, n);
    if (!qn_snappy_read(body, out, n_out))
        return bad_block(err, QN_BLOCK_SNAPPY, "it is damaged");
    return QN_OK;
}

static qn_code gzip_reader(struct qn_block_state *state, z_stream **out, struct qn_err *err)
{
    if (!state->gzip_reader) {
        z_stream *made = calloc(1, sizeof *made);
        if (!made || inflateInit2(made, ANY_WRAPPER) != Z_OK) {
            free(made);
            return qn_err_nomem(err, "gzip");
        }
        state->gzip_reader = made;
    }
    *out = state->gzip_reader;
    return inflateReset2(*out, ANY_WRAPPER) == Z_OK ? QN_OK : qn_err_nomem(err, "gzip");
}

static qn_code read_gzip(struct qn_block_state *state, struct qn_strv block, char *out,
                         size_t n_out, struct qn_err *err)
{
    z_stream *z = NULL;
    QN_TRY(gzip_reader(state, &z, err));
    z->next_in = (Bytef *)(uintptr_t)block.data;
    z->avail_in = (uInt)block.len;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)n_out;
    for (;;) {
        uInt in_before = z->avail_in, out_before = z->avail_out;
        int code = inflate(z, Z_FINISH);
        if (code == Z_STREAM_END && z->avail_in == 0)
            break;
        if (code == Z_STREAM_END) { /* another member */
            if (inflateReset(z) != Z_OK || in_before == z->avail_in)
                return bad_block(err, QN_BLOCK_GZIP, "it is damaged");
            continue;
        }
        if (code == Z_MEM_ERROR)
            return qn_err_nomem(err, "gzip");
        if (code != Z_OK && code != Z_BUF_ERROR)
            return bad_block(err, QN_BLOCK_GZIP, z->msg ? z->msg : "it is damaged");
        if (in_before == z->avail_in && out_before == z->avail_out)
            return z->avail_out ? bad_block(err, QN_BLOCK_GZIP, "it ends too early")
                                : wrong_size(err, QN_BLOCK_GZIP, n_out, n_out + 1);
    }
    return z->avail_out ? wrong_size(err, QN_BLOCK_GZIP, n_out, n_out - z->avail_out) : QN_OK;
}

static qn_code read_zstd(struct qn_block_state *state, struct qn_strv block, char *out,
                         size_t n_out, struct qn_err *err)
{
    if (!state->zstd_reader)
        state->zstd_reader = ZSTD_createDCtx();
    if (!state->zstd_reader)
        return qn_err_nomem(err, "zstd");
    size_t n = ZSTD_decompressDCtx(state->zstd_reader, out, n_out, block.data, block.len);
    if (ZSTD_isError(n))
        return bad_block(err, QN_BLOCK_ZSTD, ZSTD_getErrorName(n));
    return n == n_out ? QN_OK : wrong_size(err, QN_BLOCK_ZSTD, n_out, n);
}

static qn_code read_lz4(struct qn_strv block, char *out, size_t n_out, struct qn_err *err)
{
    int n = LZ4_decompress_safe(block.data, out, (int)block.len, (int)n_out);
    if (n < 0)
        return bad_block(err, QN_BLOCK_LZ4, "it is damaged, or holds more than it should");
    return (size_t)n == n_out ? QN_OK : wrong_size(err, QN_BLOCK_LZ4, n_out, (size_t)n);
}

static uint32_t big_endian(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Hadoop's framing: pairs of big-endian sizes (plain, packed), each before its block. */
static bool read_lz4_hadoop(struct qn_strv block, char *out, size_t n_out)
{
    size_t at = 0, done = 0;
    while (block.len - at >= 8) {
        size_t plain = big_endian(block.data + at), packed = big_endian(block.data + at + 4);
        at += 8;
        if (packed > block.len - at || plain > n_out - done)
            return false;
        if (!qn_lz4_restore((struct qn_strv){block.data + at, packed}, out + done, plain))
            return false;
        at += packed;
        done += plain;
    }
    return at == block.len && done == n_out;
}

static bool read_lz4_frame(struct qn_strv block, char *out, size_t n_out)
{
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
        return false;
    size_t at = 0, done = 0, more = 1;
    while (more && at < block.len) {
        size_t wrote = n_out - done, took = block.len - at;
        more = LZ4F_decompress(context, out + done, &wrote, block.data + at, &took, NULL);
        if (LZ4F_isError(more) || (took == 0 && wrote == 0))
            break;
        at += took;
        done += wrote;
    }
    LZ4F_freeDecompressionContext(context);
    return more == 0 && at == block.len && done == n_out;
}

static qn_code read_lz4_framed(struct qn_strv block, char *out, size_t n_out, struct qn_err *err)
{
    static const char magic[] = "\x04\x22\x4D\x18";
    if (read_lz4_hadoop(block, out, n_out))
        return QN_OK;
    if (block.len >= 4 && memcmp(block.data, magic, 4) == 0 && read_lz4_frame(block, out, n_out))
        return QN_OK;
    return read_lz4(block, out, n_out, err);
}

qn_code qn_block_decompress(struct qn_block_state *state, enum qn_block_codec codec,
                            struct qn_strv block, void *out, size_t n_out, struct qn_err *err)
{
    char nothing[1];
    char *to = out ? out : nothing;
    if (block.len > INT_MAX || n_out > INT_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "a block of %zu bytes that holds %zu; expected less than 2 GiB",
                          block.len, n_out);
    switch (codec) {
    case QN_BLOCK_NONE:
        if (block.len != n_out)
            return wrong_size(err, codec, n_out, block.len);
        if (n_out)
            memcpy(to, block.data, n_out);
        return QN_OK;
    case QN_BLOCK_SNAPPY: return read_snappy(block, to, n_out, err);
    case QN_BLOCK_GZIP: return read_gzip(state, block, to, n_out, err);
    case QN_BLOCK_ZSTD: return read_zstd(state, block, to, n_out, err);
    case QN_BLOCK_LZ4: return read_lz4(block, to, n_out, err);
    case QN_BLOCK_LZ4_FRAMED: return read_lz4_framed(block, to, n_out, err);
    }
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_INPUT, "codec %d is not known", (int)codec);
}

/* --- writing --------------------------------------------------------------------------------- */

static qn_code write_failed(struct qn_err *err, enum qn_block_codec codec)
{
    return qn_err_set(err, QN_ENOMEM, QN_BLAME_WORKER, "%s could not compress a block",
                      qn_block_codec_name(codec));
}

static qn_code write_gzip(struct qn_block_state *state, int level, struct qn_strv bytes,
                          struct qn_buf *out, struct qn_err *err)
{
    if (state->gzip_writer && state->gzip_level != level) {
        deflateEnd(state->gzip_writer);
        free(state->gzip_writer);
        state->gzip_writer = NULL;
    }
    if (!state->gzip_writer) {
        z_stream *made = calloc(1, sizeof *made);
        if (!made || deflateInit2(made, level, Z_DEFLATED, GZIP_WRAPPER, GZIP_MEMORY,
                                  Z_DEFAULT_STRATEGY) != Z_OK) {
            free(made);
            return qn_err_nomem(err, "gzip");
        }
        state->gzip_writer = made;
        state->gzip_level = level;
    }
    z_stream *z = state->gzip_writer;
    if (deflateReset(z) != Z_OK)
        return write_failed(err, QN_BLOCK_GZIP);
    size_t bound = deflateBound(z, bytes.len);
    uint8_t *to = qn_buf_reserve(out, bound);
    if (!to)
        return qn_err_nomem(err, "gzip");
    z->next_in = (Bytef *)(uintptr_t)bytes.data;
    z->avail_in = (uInt)bytes.len;
    z->next_out = to;
    z->avail_out = (uInt)bound;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return write_failed(err, QN_BLOCK_GZIP);
    out->len += bound - z->avail_out;
    return QN_OK;
}

static qn_code write_zstd(struct qn_block_state *state, int level, struct qn_strv bytes,
                          struct qn_buf *out, struct qn_err *err)
{
    if (!state->zstd_writer)
        state->zstd_writer = ZSTD_createCCtx();
    size_t bound = ZSTD_compressBound(bytes.len);
    uint8_t *to = qn_buf_reserve(out, bound);
    if (!state->zstd_writer || !to)
        return qn_err_nomem(err, "zstd");
    size_t n = ZSTD_compressCCtx(state->zstd_writer, to, bound, bytes.data, bytes.len, level);
    if (ZSTD_isError(n))
        return write_failed(err, QN_BLOCK_ZSTD);
    out->len += n;
    return QN_OK;
}

static qn_code write_snappy(struct qn_strv bytes, struct qn_buf *out, struct qn_err *err)
{
    size_t n = snappy_max_compressed_length(bytes.len);
    uint8_t *to = qn_buf_reserve(out, n);
    if (!to)
        return qn_err_nomem(err, "snappy");
    if (snappy_compress(bytes.data, bytes.len, (char *)to, &n) != SNAPPY_OK)
        return write_failed(err, QN_BLOCK_SNAPPY);
    out->len += n;
    return QN_OK;
}

static qn_code write_lz4(int level, struct qn_strv bytes, struct qn_buf *out, struct qn_err *err)
{
    int bound = LZ4_compressBound((int)bytes.len);
    uint8_t *to = bound > 0 ? qn_buf_reserve(out, (size_t)bound) : NULL;
    if (!to)
        return qn_err_nomem(err, "lz4");
    int n = level > 0 ? LZ4_compress_HC(bytes.data, (char *)to, (int)bytes.len, bound, level)
                      : LZ4_compress_default(bytes.data, (char *)to, (int)bytes.len, bound);
    if (n <= 0)
        return write_failed(err, QN_BLOCK_LZ4);
    out->len += (size_t)n;
    return QN_OK;
}

qn_code qn_block_compress(struct qn_block_state *state, enum qn_block_codec codec, int level,
                          struct qn_strv bytes, struct qn_buf *out, struct qn_err *err)
{
    if (!bytes.data)
        bytes.data = "";
    if (bytes.len > INT_MAX / 2)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "a block of %zu bytes; expected less than 1 GiB", bytes.len);
    switch (codec) {
    case QN_BLOCK_NONE:
        qn_buf_put(out, bytes.data, bytes.len);
        return qn_buf_check(out, "block", err);
    case QN_BLOCK_SNAPPY: return write_snappy(bytes, out, err);
    case QN_BLOCK_GZIP: return write_gzip(state, level ? level : GZIP_USUAL_LEVEL, bytes, out, err);
    case QN_BLOCK_ZSTD: return write_zstd(state, level ? level : ZSTD_USUAL_LEVEL, bytes, out, err);
    case QN_BLOCK_LZ4: return write_lz4(level, bytes, out, err);
    case QN_BLOCK_LZ4_FRAMED: break;
    }
    return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB, "framed lz4 is only read, never written");
}
