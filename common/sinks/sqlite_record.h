/* sqlite_record: a batch's rows as SQLite keeps them, one record a row ("Record Format" of
 * https://www.sqlite.org/fileformat2.html):
 *
 *     varint header bytes | a varint per column: its type and size | the values, big-endian
 *
 * Columns become what sinks/sqlite.c declares: integers in the fewest bytes, doubles and decimals
 * as integers where that is the same number (SQLite does so with REAL columns), NaN as NULL. */
#ifndef QN_SINKS_SQLITE_RECORD_H
#define QN_SINKS_SQLITE_RECORD_H

#include "base/buf.h"
#include "flow/batch.h"

struct qn_sqlite_record {
    const struct qn_batch *batch;
    uint8_t *header;     /* room for every column's varint */
    size_t header_room;  /* bytes before the values in `room` */
    struct qn_buf types; /* memory of `header` */
    struct qn_buf room;  /* of one record */
};

void qn_sqlite_record_init(struct qn_sqlite_record *record);
void qn_sqlite_record_fini(struct qn_sqlite_record *record);

/* Makes room for any row of the batch, which is borrowed until the next call. */
QN_CHECK qn_code qn_sqlite_record_begin(struct qn_sqlite_record *record,
                                        const struct qn_batch *batch, struct qn_err *err);
/* The record of a row; good until the next. */
struct qn_strv qn_sqlite_record_of(struct qn_sqlite_record *record, uint32_t row);

/* At most 9 bytes, 7 bits each, the highest first (the ninth has 8); returns the end. */
uint8_t *qn_sqlite_varint_put(uint8_t *at, uint64_t value);

#endif
