/* block: whole blocks of bytes compressed and back, by the libraries of the codecs.
 *
 * The size of what comes out is always known beforehand (formats write it beside the block), so
 * reading allocates nothing and a block that holds more or less than it says is refused. */
#ifndef QN_CODEC_BLOCK_H
#define QN_CODEC_BLOCK_H

#include "base/buf.h"
#include "base/err.h"

enum qn_block_codec {
    QN_BLOCK_NONE,
    QN_BLOCK_SNAPPY,
    QN_BLOCK_GZIP, /* reads zlib's own format too, and members one after the other */
    QN_BLOCK_ZSTD,
    QN_BLOCK_LZ4,
    QN_BLOCK_LZ4_FRAMED, /* only read: LZ4 in Hadoop's framing, in LZ4's own, or without any */
};

/* What the libraries keep between blocks, made when first needed. Zero it to begin with; one thread
 * at a time. */
struct qn_block_state {
    void *zstd_reader, *zstd_writer;
    void *gzip_reader, *gzip_writer;
    int gzip_level; /* of gzip_writer */
};

void qn_block_state_fini(struct qn_block_state *state);

/* Exactly n_out bytes, or QN_EINPUT that says what is wrong with the block. */
QN_CHECK qn_code qn_block_decompress(struct qn_block_state *state, enum qn_block_codec codec,
                                     struct qn_strv block, void *out, size_t n_out,
                                     struct qn_err *err);

/* Appends the block. Level 0 is the codec's usual one; else 1 to qn_block_max_level().
 * The same bytes and level always give the same block. QN_ELIMIT: 1 GiB or more. */
QN_CHECK qn_code qn_block_compress(struct qn_block_state *state, enum qn_block_codec codec,
                                   int level, struct qn_strv bytes, struct qn_buf *out,
                                   struct qn_err *err);

/* 0: the codec has no levels. */
int qn_block_max_level(enum qn_block_codec codec);

/* "none", "snappy", "gzip", "zstd", "lz4". */
const char *qn_block_codec_name(enum qn_block_codec codec);

/* The CRC-32 that gzip, zip and Parquet use. */
uint32_t qn_block_crc32(struct qn_strv bytes);
/* Of what `crc` is of and these bytes after it. */
uint32_t qn_block_crc32_more(uint32_t crc, struct qn_strv bytes);

/* What a block of so many bytes can hold at most, as far as the codec tells. */
uint64_t qn_block_most(enum qn_block_codec codec, uint64_t block_bytes);

#endif
