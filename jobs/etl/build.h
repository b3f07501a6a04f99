/* build: an etl job while it compiles: the steps so far, the schema they leave, and complaints.
 *
 * A mistake does not stop compiling: the step is left out, or its columns are marked broken so that
 * one mistake gives one message. */
#ifndef QN_JOBS_ETL_BUILD_H
#define QN_JOBS_ETL_BUILD_H

#include "expr/expr.h"
#include "flow/job.h"
#include "jobs/etl/step.h"
#include "jobs/lookup.h"
#include "spec/keys.h"
#include "spec/node.h"
#include "spec/tests.h"

struct qn_etl_build {
    const struct qn_job_env *env;
    struct qn_job *job;
    struct qn_etl *etl;
    const struct qn_schema *schema; /* after the steps so far */
    struct qn_gaps *gaps;           /* columns whose making was already complained about */
    uint32_t max_checks, max_steps; /* room there is */
    uint32_t first_check;           /* of the position being compiled */
    bool nomem;                     /* memory ran out somewhere: compile fails with QN_ENOMEM */
};

/* n zeroed items in the plan's arena; NULL sets build->nomem. */
void *qn_etl_build_alloc(struct qn_etl_build *build, size_t n, size_t size);
#define QN_BUILD_ARRAY(build, type, n) ((type *)qn_etl_build_alloc((build), (n), sizeof(type)))

/* Adds a step and makes `out` the schema; NULL (and nomem) when there is no memory or no room. */
struct qn_etl_step *qn_etl_build_step(struct qn_etl_build *build, const struct qn_etl_step_ops *ops,
                                      const struct qn_schema *out, void *impl);

/* A column by the name a scalar node holds; -1 and a complaint with "did you mean" otherwise. */
int32_t qn_etl_build_column(struct qn_etl_build *build, const struct qn_schema *schema,
                            const struct qn_node *node);
/* The same by name, complaining at `span`. */
int32_t qn_etl_build_find(struct qn_etl_build *build, const struct qn_schema *schema,
                          struct qn_strv name, struct qn_span span);
/* Columns of a list (or single value), without repeats; false when any was wrong. */
bool qn_etl_build_columns(struct qn_etl_build *build, const struct qn_schema *schema,
                          const struct qn_node *list, uint32_t **columns, uint32_t *n);

/* A column that a mistake kept from being made; in what follows its name is no mistake. */
void qn_etl_build_mark_broken(struct qn_etl_build *build, struct qn_strv name);

/* The gaps of another input too; NULL: it has none. */
void qn_etl_build_add_gaps(struct qn_etl_build *build, const struct qn_gaps *gaps);

/* Compiles the expression a node holds; NULL after a complaint inside it. */
struct qn_expr *qn_etl_build_expr(struct qn_etl_build *build, const struct qn_schema *schema,
                                  const struct qn_node *node);
void qn_etl_build_complain(struct qn_etl_build *build, const struct qn_node *node,
                           const struct qn_expr_complaint *complaint);

/* A schema of n fields to fill, in the plan's arena. */
struct qn_schema *qn_etl_build_schema(struct qn_etl_build *build, uint32_t n,
                                      struct qn_field **fields);
/* The schema so far with one field more, or with the field at `replace` changed (-1: append). */
const struct qn_schema *qn_etl_build_with(struct qn_etl_build *build, const char *name,
                                          struct qn_type type, int32_t replace);

/* One per key of an etl job, in the order they act; each adds the steps its node asks for. */
void qn_etl_build_rename(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_filter(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_derive(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_impute(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_dedupe(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_join(struct qn_etl_build *build, const struct qn_node *node);
void qn_etl_build_select(struct qn_etl_build *build, const struct qn_node *select,
                         const struct qn_node *drop);
void qn_etl_build_top(struct qn_etl_build *build, const struct qn_node *node);
/* Tests that stand under a column carry its name; `column` NULL for a job's list. */
void qn_etl_build_checks(struct qn_etl_build *build, const struct qn_node *list,
                         const char *column);
/* Ends one position's tests: adds the steps for all that qn_etl_build_checks gathered. */
void qn_etl_build_checks_end(struct qn_etl_build *build);

#endif
