/* into: the key under which every kind of job says which table gets its rows. */
#ifndef QN_JOBS_INTO_H
#define QN_JOBS_INTO_H

#include "base/arena.h"
#include "base/diag.h"
#include "flow/job.h"
#include "spec/keys.h"

/* For an `into` of shape OBJECT with or_text: {table, write_disposition}, or the bare name. */
extern const struct qn_spec_keys qn_into_keys;

/* The scalar that names the table, in either form; NULL when there is none. */
const struct qn_node *qn_into_table(const struct qn_node *node);

/* Reads the node (NULL: no table). A name that no table can have is a complaint. */
void qn_into_read(const struct qn_node *node, struct qn_diags *diags, struct qn_into *out);

/* Reads its indexes, of columns of the compiled job's rows, into job->into and the arena. A column
 * that is none, or one named twice, is a complaint. */
QN_CHECK qn_code qn_into_read_indexes(const struct qn_node *node, struct qn_job *job,
                                      struct qn_arena *arena, struct qn_diags *diags,
                                      struct qn_err *err);

#endif
