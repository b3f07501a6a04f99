/* file_facts: what is known of a source's file before it is opened: the values that its folders
 * name, and what the manifest of a dataset tells of its columns. */
#ifndef QN_JOBS_FILE_FACTS_H
#define QN_JOBS_FILE_FACTS_H

#include "jobs/plan.h"

/* Whether anything is known of the files of the source. */
bool qn_file_facts_any(const struct qn_plan_source *source);

/* By column of source->schema, in the arena. QN_EINPUT: a folder has no value of its column. */
QN_CHECK qn_code qn_file_facts_find(const struct qn_plan_source *source, const char *path,
                                    uint32_t file, struct qn_arena *arena, struct qn_facts **out,
                                    struct qn_err *err);

#endif
