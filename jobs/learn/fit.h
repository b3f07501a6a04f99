/* fit: gathers what the preparation needs from training rows, in pieces that merge.
 *
 * Sums are exact, counts are integers, samples and dictionaries are sets: neither the order of rows
 * nor how they are cut into chunks changes a bit of the result. */
#ifndef QN_JOBS_LEARN_FIT_H
#define QN_JOBS_LEARN_FIT_H

#include "flow/batch.h"
#include "jobs/learn/prepare.h"

struct qn_fit;

/* Borrows the plan. */
QN_CHECK qn_code qn_fit_new(const struct qn_prepare_plan *plan, struct qn_fit **out,
                            struct qn_err *err);
void qn_fit_free(struct qn_fit *fit);

/* Training rows of a batch. `columns` by feature; `labels` (0 or 1) and `hashes` (of the row's key)
 * by position in `rows`. */
QN_CHECK qn_code qn_fit_add(struct qn_fit *fit, const struct qn_column *const *columns,
                            const uint32_t *rows, uint32_t n, const uint8_t *labels,
                            const uint64_t *hashes, struct qn_err *err);

/* Packs features from *next on, until there are so many bytes of them: a piece that merges by
 * itself. *next becomes the first one that is left. What is packed is let go, for it may be large:
 * a fit is packed once. */
void qn_fit_pack(struct qn_buf *out, struct qn_fit *fit, uint32_t *next, size_t bytes);
/* Adds a piece of what another fit of the same plan packed. */
QN_CHECK qn_code qn_fit_merge(struct qn_fit *fit, struct qn_strv bytes, struct qn_err *err);
/* Whether the pieces were all there: every feature has seen every row. */
bool qn_fit_is_whole(const struct qn_fit *fit);

/* Something to say about a feature. */
struct qn_fit_note {
    const char *feature;
    const char *test; /* "constant", "separates", "identifier" */
    const char *message;
};
/* What there is to say; constant[f]: all training rows have one value of it. In the arena. */
QN_CHECK qn_code qn_fit_notes(const struct qn_fit *fit, const bool *constant,
                              struct qn_arena *arena, struct qn_fit_note **notes, uint32_t *n_notes,
                              struct qn_err *err);

/* The preparation, into an initialised `prepared` (finish it also on failure). Fails by name when a
 * feature has no value to fill with, or too many categories. */
QN_CHECK qn_code qn_fit_finish(struct qn_fit *fit, struct qn_prepared *prepared,
                               struct qn_err *err);

#endif
