/* segments: what a task wrote of files (flow/writer.h), in its part: a record SEGMENTS tells what
 * there is, records SEGMENT hold the bytes.
 *
 *     table    u32 n | n times: key str | rows u64 | bytes u64 | meta str | bounds by column
 *     key      by partition column: u8 1 and the value's text, or u8 0 for NULL
 *
 * Segment k of the table has the bytes of the records of partition k, in order. */
#ifndef QN_WIRE_SEGMENTS_H
#define QN_WIRE_SEGMENTS_H

#include "flow/bounds.h"
#include "flow/writer.h"

struct qn_part_segment {
    struct qn_strv key; /* values of the partition columns; empty without any */
    struct qn_segment segment;
    struct qn_bounds *bounds; /* by column of the files */
};

void qn_segments_pack(const struct qn_part_segment *segments, uint32_t n,
                      const struct qn_schema *columns, struct qn_buf *out);

/* A value's place in a key. */
void qn_segment_key_put(struct qn_buf *key, bool is_null, struct qn_strv text);
/* The next value of a key; false: NULL. Keys that are cut short fail in `in`. */
bool qn_segment_key_next(struct qn_unpack *in, struct qn_strv *text);

/* The table of a part file, in the arena; no segments when the part has none. `columns` are those
 * of the files. */
QN_CHECK qn_code qn_segments_read(const char *path, const struct qn_schema *columns,
                                  struct qn_arena *arena, struct qn_part_segment **out, uint32_t *n,
                                  struct qn_err *err);

/* Hands all segments' bytes to `each` in the order they lie in: `bytes` of them from `offset` of
 * the part file that `fd` reads. Of each segment as many as its table says, or QN_EWIRE. */
typedef qn_code (*qn_segment_fn)(void *context, uint32_t number, int fd, uint64_t offset,
                                 uint32_t bytes, struct qn_err *err);
QN_CHECK qn_code qn_segments_each(const char *path, const struct qn_part_segment *segments,
                                  uint32_t n, qn_segment_fn each, void *context,
                                  struct qn_err *err);

#endif
