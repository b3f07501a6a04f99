/* task_homes: which worker last ran each unit of each job, so that a later round can go where the
 * unit's cache is. A hint and nothing more: the worker may be gone. */
#ifndef QN_COORDINATOR_TASK_HOMES_H
#define QN_COORDINATOR_TASK_HOMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "coordinator/id_map.h"

/* One job's units. */
struct qn_task_homes {
    uint64_t *sessions; /* by unit; 0: never ran */
    uint32_t n_units;
    uint32_t n_stages; /* that use them */
    bool forgotten;    /* freed when the last stage lets go */
};

struct qn_home_table {
    struct qn_id_map by_job;
    struct qn_task_homes **all; /* for the end */
    uint32_t n, capacity;
};

void qn_home_table_init(struct qn_home_table *table);
void qn_home_table_fini(struct qn_home_table *table);

/* The job's homes with room for n_units, kept until the job is forgotten. */
QN_CHECK qn_code qn_home_table_get(struct qn_home_table *table, uint32_t job, uint32_t n_units,
                                   struct qn_task_homes **out, struct qn_err *err);
/* Later stages of the job start afresh; those under way keep theirs. */
void qn_home_table_forget(struct qn_home_table *table, uint32_t job);
/* One stage fewer uses them. */
void qn_task_homes_release(struct qn_task_homes *homes);

#endif
