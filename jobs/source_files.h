/* source_files: the files of a source: of the spec's paths, or of a snapshot of a dataset, with the
 * columns that their folders name. */
#ifndef QN_JOBS_SOURCE_FILES_H
#define QN_JOBS_SOURCE_FILES_H

#include "jobs/plan.h"

/* Fills the source's options and, as far as known before a file is looked at, planned->folders;
 * *order is the rows' schema when the dataset tells it (else NULL). Complaints go to the plan's
 * diags; false after one. */
bool qn_source_files_find(struct qn_plan *plan, struct qn_spec_source *source,
                          struct qn_plan_source *planned, const struct qn_schema **order);

#endif
