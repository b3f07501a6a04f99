/* given_up: a run that failed, or is not gone on with since its spec or its inputs are others now,
 * may have published what some of its jobs append. That stays, and the next run appends its own:
 * whoever did not mean that has to hear of it. */
#ifndef QN_COORDINATOR_GIVEN_UP_H
#define QN_COORDINATOR_GIVEN_UP_H

#include "coordinator/store.h"
#include "jobs/plan.h"

/* Before the new run is recorded: warns of each such job that is one of the plan's, too. */
QN_CHECK qn_code qn_given_up_warn(struct qn_store *store, const struct qn_plan *plan,
                                  struct qn_err *err);

#endif
