/* etl: a compiled etl job. In the order it acts:
 *
 *     rows of the input -> impute -> data tests -> profile -> columns kept -> table and dataset
 *
 * Imputed columns are fitted by a stage of their own ("fit impute") over the same chunks; its state
 * is the value per column. The map stage's partial carries the counts of tests and profiles. */
#ifndef QN_JOBS_ETL_ETL_H
#define QN_JOBS_ETL_ETL_H

#include "flow/job.h"
#include "jobs/etl/cell.h"
#include "spec/tests.h"

enum qn_impute_strategy { QN_IMPUTE_MEAN, QN_IMPUTE_CONSTANT };

struct qn_impute {
    uint32_t column; /* of the input */
    enum qn_impute_strategy strategy;
    struct qn_cell constant;
    int round; /* decimal places; -1: as the column has them */
};

struct qn_check {
    const struct qn_test *test;
    uint32_t column;        /* of the input; not for row_count */
    struct qn_cell *values; /* accepted_values */
    uint32_t n_values;
    struct qn_cell min, max; /* accepted_range; not valid: no bound */
};

struct qn_etl {
    const struct qn_schema *in;
    struct qn_impute *imputes;
    uint32_t n_imputes;
    struct qn_check *checks;
    uint32_t n_checks;
    uint32_t *kept; /* input columns that go out, in order */
    const char **kept_names;
    uint32_t n_kept;
    bool fits; /* stage 0 is "fit impute" */
};

/* --- impute.c: filling what is missing ------------------------------------------------------- */

/* Sums of present values per imputed column, packed as a partial. */
QN_CHECK qn_code qn_impute_fit(const struct qn_etl *etl, struct qn_task_in *in,
                               struct qn_task_out *out, struct qn_err *err);
QN_CHECK qn_code qn_impute_merge(const struct qn_etl *etl, void **acc, struct qn_strv partial,
                                 struct qn_err *err);
/* The state: a cell per imputed column. */
QN_CHECK qn_code qn_impute_finish(const struct qn_etl *etl, const void *acc, struct qn_buf *state,
                                  struct qn_err *err);
/* Cells of a state into values[n_imputes]; texts borrow from the state. */
QN_CHECK qn_code qn_impute_values(const struct qn_etl *etl, struct qn_strv state,
                                  struct qn_cell *values, struct qn_err *err);
/* Fills the batch's NULLs; counts per input column what was missing and what was filled. */
QN_CHECK qn_code qn_impute_apply(const struct qn_etl *etl, const struct qn_cell *values,
                                 struct qn_arena *arena, struct qn_batch *batch, uint64_t *nulls,
                                 uint64_t *imputed, struct qn_err *err);

/* --- checks.c: data tests -------------------------------------------------------------------- */

struct qn_check_count {
    uint64_t failures, rows;
};

/* Tests every row; `rows` gets those that stay (room for batch->n_rows), *n of them. */
QN_CHECK qn_code qn_checks_apply(const struct qn_etl *etl, struct qn_task_in *in,
                                 struct qn_task_out *out, const struct qn_batch *batch,
                                 struct qn_check_count *counts, uint32_t *rows, uint32_t *n,
                                 struct qn_err *err);
/* One finding per test; findings->failed when one of them stops the job. */
QN_CHECK qn_code qn_checks_report(const struct qn_etl *etl, const struct qn_check_count *counts,
                                  uint64_t rows_out, struct qn_findings *findings,
                                  struct qn_err *err);

/* --- profile.c: what the columns look like --------------------------------------------------- */

struct qn_profile {
    uint64_t rows, nulls, imputed, present;
    struct qn_cell min, max; /* texts in the arena of whoever keeps it */
    double mean, m2;         /* of present values, numeric columns */
};

QN_CHECK qn_code qn_profile_add(struct qn_profile *profile, struct qn_arena *arena,
                                const struct qn_column *column, uint32_t n_rows,
                                struct qn_err *err);
void qn_profile_pack(const struct qn_profile *profile, struct qn_type type, struct qn_buf *buf);
/* Adds a packed profile, in unit order. */
QN_CHECK qn_code qn_profile_merge(struct qn_profile *profile, struct qn_arena *arena,
                                  struct qn_type type, struct qn_unpack *in, struct qn_err *err);
QN_CHECK qn_code qn_profile_report(const struct qn_profile *profile, const char *column,
                                   struct qn_type type, struct qn_arena *arena,
                                   struct qn_profile_finding *out, struct qn_err *err);

/* --- compile.c ------------------------------------------------------------------------------- */

extern const struct qn_spec_keys qn_etl_keys;
QN_CHECK qn_code qn_etl_compile(const struct qn_job_env *env, struct qn_job *job,
                                struct qn_err *err);

#endif
