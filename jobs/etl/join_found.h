/* join_found: rows of a join's side on their way to the chunks that asked for them: kept until
 * there are enough to send each chunk a run of them. How many are kept follows from what they are,
 * not from memory: the same rows make the same runs on any worker. */
#ifndef QN_JOBS_ETL_JOIN_FOUND_H
#define QN_JOBS_ETL_JOIN_FOUND_H

#include "flow/job.h"
#include "jobs/etl/colstore.h"

struct qn_found_pair {
    uint32_t chunk, row; /* of those that are kept */
};

struct qn_join_found {
    const struct qn_schema *schema; /* of the rows; borrowed */
    uint32_t n_chunks;
    struct qn_colstore *columns; /* rows that are kept, each once however many chunks get it */
    uint32_t n_rows;
    uint64_t bytes; /* of them */
    struct qn_found_pair *pairs;
    uint32_t n_pairs, capacity;
    struct qn_arena arena; /* of what is being sent */
};

/* fini in any case. */
QN_CHECK qn_code qn_join_found_init(struct qn_join_found *found, const struct qn_schema *schema,
                                    uint32_t n_chunks, struct qn_err *err);
void qn_join_found_fini(struct qn_join_found *found);

/* The chunk gets the `ahead`-th of the rows that will be added next. */
QN_CHECK qn_code qn_join_found_note(struct qn_join_found *found, uint32_t chunk, uint32_t ahead,
                                    struct qn_err *err);
/* Rows rows[0..n) of the batch are the next ones; scratch in the arena. */
QN_CHECK qn_code qn_join_found_add(struct qn_join_found *found, const struct qn_batch *batch,
                                   const uint32_t *rows, uint32_t n, struct qn_arena *arena,
                                   struct qn_err *err);
/* Whether there is enough to send. */
bool qn_join_found_is_full(const struct qn_join_found *found);
/* Sends every chunk what it gets, as its partition, and keeps nothing. */
QN_CHECK qn_code qn_join_found_send(struct qn_join_found *found, struct qn_task_out *out,
                                    struct qn_err *err);

#endif
