/* into: the key under which every kind of job says where its rows go: a table of the warehouse, a
 * dataset of the lake, or a file. */
#ifndef QN_JOBS_INTO_H
#define QN_JOBS_INTO_H

#include "base/arena.h"
#include "base/diag.h"
#include "flow/job.h"
#include "spec/keys.h"
#include "spec/spec.h"

/* For an `into` of shape OBJECT with or_text: {table | lake | file, ...}, or the bare name of a
 * table. */
extern const struct qn_spec_keys qn_into_keys;

/* The scalar that names the table, in either form; NULL when there is none. */
const struct qn_node *qn_into_table(const struct qn_node *node);

/* Reads the node (NULL: nowhere): the table, and how rows come to what is there. A name that no
 * table can have, no place or two of them are complaints. */
void qn_into_read(const struct qn_node *node, struct qn_diags *diags, struct qn_into *out);

/* Reads its indexes, of columns of the compiled job's rows, into job->into and the arena. A column
 * that is none, or one named twice, is a complaint. */
QN_CHECK qn_code qn_into_read_indexes(const struct qn_node *node, struct qn_job *job,
                                      struct qn_arena *arena, struct qn_diags *diags,
                                      struct qn_err *err);

/* The same of the files that a dataset of the lake, or `file`, is: format, codec, the columns that
 * name its folders. Paths are absolute by the spec's folder and lake. (jobs/into_files.c) */
QN_CHECK qn_code qn_into_read_files(const struct qn_node *node, struct qn_spec *spec,
                                    struct qn_job *job, struct qn_arena *arena, struct qn_err *err);

#endif
