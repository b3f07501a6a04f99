/* distinct: which values of a column chunk are different, and by value the number of its first: the
 * dictionary that a chunk may be written with. Numbers go by first appearance. */
#ifndef QN_PARQUET_DISTINCT_H
#define QN_PARQUET_DISTINCT_H

#include "parquet/encode.h"

/* Memory is kept from chunk to chunk. Zero it to begin with. */
struct qn_pq_distinct {
    struct qn_buf slots;   /* uint32_t: number + 1; 0: free */
    struct qn_buf indexes; /* uint32_t by value */
    struct qn_buf firsts;  /* uint32_t by number: the value that came first */
    struct qn_buf words;   /* uint64_t by number: the value, or of a text its beginning */
    uint32_t n;            /* different values */
};

void qn_pq_distinct_fini(struct qn_pq_distinct *distinct);

/* How many different values n values have about, judged by a sample; more than n / 2 when most are
 * different. Exact for what the sample holds whole. */
uint32_t qn_pq_distinct_estimate_words(const uint64_t *words, uint32_t n);
uint32_t qn_pq_distinct_estimate_texts(struct qn_pq_texts texts);
uint32_t qn_pq_distinct_estimate_indexes(const uint32_t *indexes, uint32_t n);

/* Numbers the values. False when more than `most` of them are different, or when numbering takes
 * too long (texts made to collide): what is there then is not to be used. Memory that runs out
 * shows in the buffers' `failed`. */
bool qn_pq_distinct_words(struct qn_pq_distinct *distinct, const uint64_t *words, uint32_t n,
                          uint32_t most);
/* The same of integers that lie in [least, greatest]. */
bool qn_pq_distinct_ints(struct qn_pq_distinct *distinct, const int64_t *ints, uint32_t n,
                         uint32_t most, int64_t least, int64_t greatest);
bool qn_pq_distinct_texts(struct qn_pq_distinct *distinct, struct qn_pq_texts texts, uint32_t most);

#endif
