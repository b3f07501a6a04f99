/* codec: a batch as bytes, columns narrowed, then compressed by LZ4 where it helps. The same bytes
 * travel on the wire and rest in part files. Decoding trusts nothing: sizes, offsets, bitmaps and
 * UTF-8. What a batch leaves unspecified (values under NULL, origins) is not told apart: equal rows
 * give equal bytes. docs/protocol.md has the format byte by byte.
 *
 * At most QN_BATCH_ROWS rows, so that a few bytes never decode to much memory; part.h cuts larger
 * batches up. */
#ifndef QN_WIRE_CODEC_H
#define QN_WIRE_CODEC_H

#include "base/buf.h"
#include "base/limits.h"
#include "flow/batch.h"

/* Counted up whenever the bytes change shape; it is a batch's first byte. */
enum { QN_CODEC_VERSION = 1 };

/* SMALL tries LZ4, for bytes that cross a link slower than it; PLAIN only narrows integers. */
enum qn_codec_form { QN_CODEC_PLAIN, QN_CODEC_SMALL };

/* Appends the encoded batch (rows and columns, not the schema's names). QN_ELIMIT past the cap. */
QN_CHECK qn_code qn_codec_encode(const struct qn_batch *batch, enum qn_codec_form form,
                                 struct qn_buf *out, struct qn_err *err);

/* Rows first .. first + n only; `first` is a multiple of 64. */
QN_CHECK qn_code qn_codec_encode_rows(const struct qn_batch *batch, uint32_t first, uint32_t n,
                                      enum qn_codec_form form, struct qn_buf *out,
                                      struct qn_err *err);

/* The batch must have exactly the schema's columns and types. Everything lands in the arena. */
QN_CHECK qn_code qn_codec_decode(struct qn_strv bytes, const struct qn_schema *schema,
                                 struct qn_arena *arena, struct qn_batch *out, struct qn_err *err);

/* Columns whose wanted[i] is false are checked for their type, passed over and left out;
 * `projected` has the others. wanted NULL: all. */
QN_CHECK qn_code qn_codec_decode_wanted(struct qn_strv bytes, const struct qn_schema *schema,
                                        const bool *wanted, const struct qn_schema *projected,
                                        struct qn_arena *arena, struct qn_batch *out,
                                        struct qn_err *err);

#endif
