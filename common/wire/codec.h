/* codec: a batch as bytes, columns compressed with LZ4 where that helps. The same bytes travel on
 * the wire and rest in part files. Decoding trusts nothing: sizes, offsets, bitmaps and UTF-8. */
#ifndef QN_WIRE_CODEC_H
#define QN_WIRE_CODEC_H

#include "base/buf.h"
#include "flow/batch.h"

/* Appends the encoded batch (rows and columns, not the schema's names). */
QN_CHECK qn_code qn_codec_encode(const struct qn_batch *batch, struct qn_buf *out,
                                 struct qn_err *err);

/* The batch must have exactly the schema's columns and types. Everything lands in the arena. */
QN_CHECK qn_code qn_codec_decode(struct qn_strv bytes, const struct qn_schema *schema,
                                 struct qn_arena *arena, struct qn_batch *out, struct qn_err *err);

#endif
