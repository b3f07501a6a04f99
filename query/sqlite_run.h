/* sqlite_run: what jobs leave of a phase to SQLite: their rows go into tables of a database that is
 * dropped with the phase, a statement reads them there. */
#ifndef QN_QUERY_SQLITE_RUN_H
#define QN_QUERY_SQLITE_RUN_H

#include <signal.h>

#include "query/finish.h"

struct qn_sqlite_run;

struct qn_sqlite_run_options {
    const char *path;   /* of the database, which is new */
    const char *folder; /* where SQLite puts aside what it sorts; borrowed, of the whole process */
    uint64_t memory_bytes;             /* of its pages and of what it sorts, about */
    const volatile sig_atomic_t *stop; /* NULL: none */
};

/* Phase and options are borrowed. */
QN_CHECK qn_code qn_sqlite_run_new(const struct qn_query_phase *phase,
                                   const struct qn_sqlite_run_options *options,
                                   struct qn_sqlite_run **out, struct qn_err *err);
void qn_sqlite_run_free(struct qn_sqlite_run *run);

/* The next part of a job's rows. */
QN_CHECK qn_code qn_sqlite_run_part(struct qn_sqlite_run *run, const char *job, const char *path,
                                    struct qn_err *err);
/* All parts are there: rows of the phase's schema, as SQLite gives them. QN_ELIMIT: a sum does not
 * fit its type. */
QN_CHECK qn_code qn_sqlite_run_rows(struct qn_sqlite_run *run, qn_finish_fn take, void *context,
                                    struct qn_err *err);

#endif
