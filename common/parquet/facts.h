/* facts: what statistics and bloom filters of a row group tell of a column's values. */
#ifndef QN_PARQUET_FACTS_H
#define QN_PARQUET_FACTS_H

#include "flow/condition.h"
#include "parquet/page_index.h"

/* A column as it is read: of a leaf (NULL: the file does not have it) as values of a type. */
struct qn_pq_subject {
    const struct qn_pq_node *leaf;
    struct qn_type type; /* id 0: it is not read, nothing is known of it */
    bool has_null_texts; /* some texts mean NULL */
};

/* By the statistics, in the arena. What they do not tell beyond doubt is not known: bounds whose
 * order the file does not say, of values whose order is lost on the way to the type, NaNs, bytes
 * that are cut where that matters. QN_ENOMEM. */
QN_CHECK qn_code qn_pq_facts_find(const struct qn_pq_file *file, uint32_t group,
                                  const struct qn_pq_subject *subject, struct qn_arena *arena,
                                  struct qn_facts *out, struct qn_err *err);

/* The same of each page, where the column has a page index: index->n facts. */
QN_CHECK qn_code qn_pq_facts_find_pages(const struct qn_pq_file *file, uint32_t group,
                                        const struct qn_pq_subject *subject, struct qn_arena *arena,
                                        struct qn_pq_page_index *index, struct qn_facts **out,
                                        struct qn_err *err);

/* Adds what the bloom filter tells, if there is one: it is asked block by block, a read each. One
 * that cannot be read tells nothing. The file stays borrowed. QN_ENOMEM. */
QN_CHECK qn_code qn_pq_facts_add_bloom(const struct qn_pq_file *file, uint32_t group,
                                       const struct qn_pq_subject *subject, struct qn_arena *arena,
                                       struct qn_facts *facts, struct qn_err *err);

#endif
