/* values: the distinct values of a column. While a sketch of them is exact and they are not more
 * than `most`, they themselves are there too, entry by entry. Merge in any order. */
#ifndef QN_JOBS_ETL_VALUES_H
#define QN_JOBS_ETL_VALUES_H

#include "jobs/etl/colstore.h"
#include "jobs/etl/sketch.h"

enum { QN_VALUES_TEXT = 128 }; /* bytes of a text that are kept */

struct qn_values {
    struct qn_sketch sketch;
    struct qn_colstore kept; /* counted: row i is the value of entry i; else empty */
    uint32_t most;
};

void qn_values_init(struct qn_values *values, struct qn_type type, uint32_t most);
void qn_values_fini(struct qn_values *values);

/* `kept` and the counts of the sketch say all. */
static inline bool qn_values_are_counted(const struct qn_values *values)
{
    return qn_sketch_is_exact(&values->sketch) && values->sketch.n <= values->most;
}

/* A value that occurs `times`; `hash` is of the whole of it. */
QN_CHECK qn_code qn_values_add(struct qn_values *values, uint64_t hash, uint64_t times,
                               struct qn_cell cell, struct qn_err *err);

void qn_values_pack(const struct qn_values *values, struct qn_buf *buf);
QN_CHECK qn_code qn_values_merge(struct qn_values *values, struct qn_unpack *in,
                                 struct qn_err *err);

/* The value with a text that is not longer than QN_VALUES_TEXT, nor cut within a character. */
static inline struct qn_cell qn_values_cut(struct qn_cell cell)
{
    if (cell.text.len <= QN_VALUES_TEXT)
        return cell;
    cell.text.len = QN_VALUES_TEXT;
    while (cell.text.len && ((unsigned char)cell.text.data[cell.text.len] & 0xC0) == 0x80)
        cell.text.len--;
    return cell;
}

#endif
