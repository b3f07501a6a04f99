/* finish: rows of a phase's jobs on their way out: put together, ordered, cut, without the columns
 * that only order them. */
#ifndef QN_QUERY_FINISH_H
#define QN_QUERY_FINISH_H

#include <signal.h>

#include "flow/batch.h"
#include "query/query.h"

struct qn_finish;

/* Rows as they go out, in order; of the phase's schema, n_shown columns of it. */
typedef qn_code (*qn_finish_fn)(void *context, const struct qn_batch *batch, struct qn_err *err);

struct qn_finish_options {
    uint64_t memory_bytes; /* of rows to be ordered; more go to scratch files, without names, ... */
    const char *folder;    /* ... on the file system of this folder; borrowed */
    const volatile sig_atomic_t *stop; /* raised: QN_ECANCEL; NULL: never */
    qn_finish_fn out;
    void *context;
};

/* The phase is borrowed. */
QN_CHECK qn_code qn_finish_new(const struct qn_query_phase *phase,
                               const struct qn_finish_options *options, struct qn_finish **finish,
                               struct qn_err *err);
void qn_finish_free(struct qn_finish *finish);

/* The next part of a job's rows, by its file, which stays there until qn_finish_end. *enough: no
 * more rows are needed of any job. */
QN_CHECK qn_code qn_finish_part(struct qn_finish *finish, const char *job, const char *path,
                                bool *enough, struct qn_err *err);
/* Rows of the phase's schema that no job gave. */
QN_CHECK qn_code qn_finish_rows(void *finish, const struct qn_batch *batch, struct qn_err *err);
/* All parts are there: what was held back goes out. */
QN_CHECK qn_code qn_finish_end(struct qn_finish *finish, struct qn_err *err);

#endif
