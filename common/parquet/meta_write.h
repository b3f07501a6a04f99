/* meta_write: Parquet's metadata as the bytes of Thrift's compact protocol; what meta_read takes
 * back. Everything appends to `out`, whose `failed` says that memory ran out. What stands in the
 * structs as left out is left out. */
#ifndef QN_PARQUET_META_WRITE_H
#define QN_PARQUET_META_WRITE_H

#include "base/buf.h"
#include "parquet/page_header.h"

void qn_pq_file_meta_write(const struct qn_pq_file_meta *meta, struct qn_buf *buf);
void qn_pq_page_header_write(const struct qn_pq_page_header *header, struct qn_buf *buf);

#endif
