/* gather: the values of one column of a row group as they come in: those that are there one after
 * the other, and by row whether there is one.
 *
 * A column of texts that its reader numbered is gathered as numbers of a dictionary of the group's
 * own, in the order in which texts came up, for as long as the reader numbers them. */
#ifndef QN_PARQUET_GATHER_H
#define QN_PARQUET_GATHER_H

#include "flow/batch.h"
#include "parquet/encode.h"

struct qn_pq_gather {
    struct qn_type type;
    bool takes_codes; /* else texts are texts */
    uint32_t n_rows, n_values;
    struct qn_buf validity; /* bit by row, to the end of a word of 64 */
    struct qn_buf values;   /* int64_t, double, or a byte a boolean; TEXT: bytes, and the slack */
    struct qn_buf offsets;  /* TEXT: uint32_t, n + 1 */
    bool is_coded;          /* TEXT: `indexes` instead, and the dictionary in values, offsets */
    struct qn_buf indexes;  /* uint32_t by value */
    uint32_t n_entries;
    uint64_t dictionary_id;
    uint32_t *entry_of_code; /* QN_DICTIONARY_TEXTS, UINT32_MAX: not come up yet */
};

void qn_pq_gather_init(struct qn_pq_gather *gather, struct qn_type type, bool takes_codes);
void qn_pq_gather_fini(struct qn_pq_gather *gather);
/* For the next group; keeps the memory. */
void qn_pq_gather_clear(struct qn_pq_gather *gather);

/* Rows [from, from + n) of a column. The texts of a group take at most UINT32_MAX bytes: see
 * qn_pq_gather_fits. */
QN_CHECK qn_code qn_pq_gather_put(struct qn_pq_gather *gather, const struct qn_column *column,
                                  uint32_t from, uint32_t n, struct qn_err *err);
bool qn_pq_gather_fits(const struct qn_pq_gather *gather, const struct qn_column *column,
                       uint32_t from, uint32_t n);

/* Bytes that the values take so far. */
size_t qn_pq_gather_bytes(const struct qn_pq_gather *gather);

/* Texts instead of their numbers. */
QN_CHECK qn_code qn_pq_gather_spell_out(struct qn_pq_gather *gather, struct qn_err *err);

static inline const int64_t *qn_pq_gather_ints(const struct qn_pq_gather *gather)
{
    return (const int64_t *)(const void *)gather->values.data;
}

static inline const uint32_t *qn_pq_gather_indexes(const struct qn_pq_gather *gather)
{
    return (const uint32_t *)(const void *)gather->indexes.data;
}

/* Values [from, from + n), or entries when it is coded. */
static inline struct qn_pq_texts qn_pq_gather_texts(const struct qn_pq_gather *gather,
                                                    uint32_t from, uint32_t n)
{
    return (struct qn_pq_texts){(const char *)gather->values.data,
                                (const uint32_t *)(const void *)gather->offsets.data + from, n};
}

#endif
