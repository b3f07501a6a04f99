/* guard's inside, for jobs/learn/guard*.c only. */
#ifndef QN_JOBS_LEARN_GUARD_INTERNAL_H
#define QN_JOBS_LEARN_GUARD_INTERNAL_H

#include "base/radix.h"
#include "jobs/learn/guard.h"
#include "jobs/learn/twins.h"

enum {
    ROWS_KEPT = 5000,
    ROWS_KEPT_LEAST = 200,
    CELLS_KEPT = 500000, /* of all features: 4 MB */
    LONGEST_EXAMPLE = 64,
    ROWS_TO_JUDGE = 50, /* with fewer rows anything may look like a leak */
};

/* No value; of doubles, a NaN that no number is. */
#define QN_GUARD_NONE UINT64_MAX

/* A row of the sample. */
enum { CELL_HASH, CELL_LABEL, CELL_VALUES };

/* Whole numbers of all training rows, in their order. */
struct run {
    uint64_t rows;
    int64_t first, last;
    bool rising, falling; /* strictly */
};

struct late {
    uint64_t rows, after; /* with a date, and a date after the label's time */
    char *key;            /* of the first such row */
};

struct qn_guard {
    const struct qn_guard_plan *plan;
    uint64_t *cells; /* [n][width]: rows of the sample, of which the k lowest are kept */
    uint32_t n, capacity, k, width;
    uint64_t highest;      /* of the hashes, once k rows are settled; 0 before */
    struct run *runs;      /* by feature */
    bool *names;           /* by feature: called an id, so that twins may differ in it */
    struct late *late;     /* by date */
    struct qn_twins twins; /* by features */
    struct qn_twins keys;  /* by key; empty unless they are watched */
    double *numbers;       /* [n_features][n_numbers]: of one batch */
    uint32_t n_numbers;
};

/* Rows of the sample that have the same value, or values that are taken together. */
struct qn_band {
    double value; /* 0: a category, which has no order */
    uint32_t rows, positives;
};

/* What is said so far, and room to judge a feature's values in the sample. */
struct qn_judged {
    struct qn_guard *guard;
    struct qn_arena *arena;
    struct qn_fit_note *notes;
    uint32_t n_notes;
    struct qn_radix_item *rows; /* [rows of the sample] */
    struct qn_band *bands;      /* [n_bands] of the feature's values, by value */
    struct qn_band *shares;     /* [rows of the sample] room for other cuts of them */
    uint32_t n_bands, n;        /* n: rows in them; the others have no value */
    bool failed;                /* memory */
};
/* Fills `bands`. */
QN_CHECK qn_code qn_guard_take_bands(struct qn_judged *judged, uint32_t feature,
                                     struct qn_err *err);
/* Says so when the feature's values, or its gaps, rank the labels. */
void qn_guard_judge_leak(struct qn_judged *judged, uint32_t feature);
void qn_guard_say(struct qn_judged *judged, const char *feature, const char *test,
                  const char *message);

/* "id", "user_id", "customerID", "AccountNumber"; not "paid", "casino" or "postal_code". */
bool qn_guard_is_called_id(const char *name);
/* A UUID, or an address of electronic mail. */
bool qn_guard_is_id_text(struct qn_strv text);
/* Says so when whole numbers name rows. */
void qn_guard_judge_identifier(struct qn_judged *judged, uint32_t feature);

/* Sorts the sample and cuts it to what is kept. */
QN_CHECK qn_code qn_guard_settle(struct qn_guard *guard, struct qn_err *err);

static inline uint64_t *qn_guard_row(const struct qn_guard *guard, uint32_t row)
{
    return guard->cells + (size_t)row * guard->width;
}

#endif
