/* gaps: what of the rows a model does not know, counted: features that have no column, and values
 * that training never saw. */
#ifndef QN_JOBS_SCORE_GAPS_H
#define QN_JOBS_SCORE_GAPS_H

#include "base/buf.h"
#include "jobs/learn/scorer.h"

struct qn_score_gap {
    struct qn_strv feature;
    bool no_column;
    uint64_t unknown;       /* rows with a category that the model does not know */
    struct qn_strv example; /* the first of those categories, or its beginning */
};
struct qn_score_gaps {
    uint64_t rows;
    struct qn_score_gap *features;
    uint32_t n_features;
    struct qn_arena *arena; /* all memory is its */
};

/* Of a task: features are those of the scorer, whose columns were found. */
QN_CHECK qn_code qn_score_gaps_init(struct qn_score_gaps *gaps, const struct qn_scorer *scorer,
                                    struct qn_arena *arena, struct qn_err *err);
/* Takes what the scorer did not know of n rows that it has just scored; it forgets them. */
QN_CHECK qn_code qn_score_gaps_note(struct qn_score_gaps *gaps, struct qn_scorer *scorer,
                                    uint32_t n, struct qn_err *err);
void qn_score_gaps_pack(struct qn_buf *out, const struct qn_score_gaps *gaps);

#endif
