/* checks: the data tests of an etl job. Tests of one position (a source's columns, or the job's
 * own list) see the same rows: first those that look at a row alone (not_null, accepted_values,
 * accepted_range), then, over the rows these leave, `unique`. A row that several tests refuse is
 * quarantined once, by the first of them; each of them counts it. */
#ifndef QN_JOBS_ETL_CHECKS_H
#define QN_JOBS_ETL_CHECKS_H

#include "jobs/etl/build.h"
#include "jobs/etl/cell.h"
#include "jobs/etl/step.h"

struct qn_check {
    const struct qn_test *test;
    const char *column; /* "" for row_count */
    struct qn_type type;
    uint32_t field;         /* the column's position in the schema at its place */
    struct qn_cell *values; /* ACCEPTED_VALUES, ascending */
    uint32_t n_values;
    struct qn_cell min, max;    /* ACCEPTED_RANGE; invalid: no bound */
    int64_t min_rows, max_rows; /* ROW_COUNT; -1: no bound */
    const char *expected;       /* "expected one of a, b" */
    bool grouped;               /* acts on groups, after the reduce */
    const struct qn_etl_step
        *unique_step;    /* UNIQUE; NULL: true by construction (a sole group key) */
    uint32_t unique_set; /* its set in that step */
};

/* What a task found; merged in unit order. */
struct qn_check_tally {
    uint64_t rows, failures;
    struct qn_strv example; /* the first row that failed, for people; empty: none yet */
};

struct qn_etl;

/* True when failing rows leave for the quarantine. */
bool qn_check_quarantines(const struct qn_check *check);

/* Remembers a failing row as the check's example, if it is the first. */
QN_CHECK qn_code qn_check_example(struct qn_etl_step_ctx *ctx, const struct qn_check *check,
                                  struct qn_check_tally *tally, const struct qn_batch *batch,
                                  uint32_t row, struct qn_err *err);

void qn_tallies_pack(const struct qn_etl *etl, const struct qn_check_tally *tallies,
                     struct qn_buf *buf);
/* Adds a packed one; examples are copied to the arena. */
QN_CHECK qn_code qn_tallies_merge(const struct qn_etl *etl, struct qn_check_tally *tallies,
                                  struct qn_unpack *in, struct qn_arena *arena, struct qn_err *err);

/* One finding per check of the side of the grouping (`grouped`), and findings->failed. */
QN_CHECK qn_code qn_checks_report(const struct qn_etl *etl, const struct qn_check_tally *tallies,
                                  bool grouped, uint64_t rows_out, const struct qn_strv *states,
                                  struct qn_findings *findings, struct qn_err *err);

/* The step for the row-wise checks [first, first + n) (step_checks.c) and the one for the unique
 * ones among them (step_unique.c); nothing when there are none of that sort. */
void qn_etl_build_row_checks(struct qn_etl_build *build, uint32_t first, uint32_t n);
void qn_etl_build_unique(struct qn_etl_build *build, uint32_t first, uint32_t n);

#endif
