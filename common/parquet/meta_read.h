/* meta_read: Parquet's metadata from its bytes, which may be anything. Counts are bounded by the
 * bytes there are, nesting of the schema is not looked at here (see schema_tree.h). */
#ifndef QN_PARQUET_META_READ_H
#define QN_PARQUET_META_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "parquet/page_header.h"
#include "parquet/thrift.h"

/* The file's metadata, from the footer's bytes; texts are borrowed from them. QN_EINPUT. */
QN_CHECK qn_code qn_pq_file_meta_read(struct qn_strv footer, struct qn_arena *arena,
                                      struct qn_pq_file_meta *out, struct qn_err *err);

/* A page's header, where `in` stands. What is wrong with it is in in->why: it may only be that the
 * bytes end too early. */
void qn_pq_page_header_read(struct qn_thrift *in, struct qn_pq_page_header *out);

void qn_pq_bloom_header_read(struct qn_thrift *in, struct qn_pq_bloom_header *out);

#endif
