/* choose: which encoding the values of a column chunk get: the one that makes a sample smallest
 * once it is compressed, with a bonus for those that are cheap to read. A function of the values
 * and the options alone. */
#ifndef QN_PARQUET_CHOOSE_H
#define QN_PARQUET_CHOOSE_H

#include "codec/block.h"
#include "parquet/distinct.h"
#include "parquet/gather.h"
#include "parquet/writer.h"

struct qn_pq_choice {
    int32_t encoding; /* of the data pages */
    /* Of QN_PQ_RLE_DICTIONARY: a number by value, borrowed. The entries are the gathered ones when
     * the column was gathered coded, else values of the chunk, by `firsts`. */
    const uint32_t *indexes, *firsts;
    uint32_t n_entries;
};

/* What choosing needs, kept from chunk to chunk. */
struct qn_pq_chooser {
    const struct qn_pq_write_options *options;
    struct qn_block_state *blocks; /* borrowed */
    struct qn_pq_distinct distinct;
    struct qn_buf encoded, compressed; /* the sample */
};

void qn_pq_chooser_fini(struct qn_pq_chooser *chooser);

/* Texts may be spelled out by it. The choice borrows from chooser and gather. `ints` is the range
 * of the values of integers. */
QN_CHECK qn_code qn_pq_choose(struct qn_pq_chooser *chooser, struct qn_pq_gather *gather,
                              const int64_t ints[2], struct qn_pq_choice *out, struct qn_err *err);

#endif
