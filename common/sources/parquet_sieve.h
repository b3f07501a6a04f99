/* parquet_sieve: which row groups hold no row that meets a condition, by their statistics and,
 * where those leave it open, their bloom filters; and which pages of the others, by page
 * indexes. */
#ifndef QN_SOURCES_PARQUET_SIEVE_H
#define QN_SOURCES_PARQUET_SIEVE_H

#include "parquet/facts.h"
#include "parquet/reader.h"

/* Zero it to begin with. */
struct qn_parquet_sieve {
    const struct qn_condition *condition; /* NULL: every row meets it */
    const struct qn_pq_file *file;
    const struct qn_pq_subject *subjects; /* by column of the source */
    uint32_t n_columns;
    bool *used;             /* columns that the condition reads */
    struct qn_facts *facts; /* of the group at hand */
    struct qn_arena arena, group_arena;
    bool open;
};

/* All is borrowed. Free with fini whatever happened. */
QN_CHECK qn_code qn_parquet_sieve_init(struct qn_parquet_sieve *sieve,
                                       const struct qn_condition *condition,
                                       const struct qn_pq_file *file,
                                       const struct qn_pq_subject *subjects, uint32_t n_columns,
                                       struct qn_err *err);
void qn_parquet_sieve_fini(struct qn_parquet_sieve *sieve);

/* For qn_pq_reader.passes_over. What cannot be found out is read. */
bool qn_parquet_sieve_passes_over(void *sieve, uint32_t group);

/* For qn_pq_reader.find_gaps: rows of pages that hold no row that meets the condition, by the page
 * indexes of its columns. Good until the next call. */
void qn_parquet_sieve_find_gaps(void *context, uint32_t group, const struct qn_pq_span **gaps,
                                uint32_t *n);

#endif
