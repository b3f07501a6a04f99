/* lookup: columns by the names that a spec gives them, with "did you mean". */
#ifndef QN_JOBS_LOOKUP_H
#define QN_JOBS_LOOKUP_H

#include "base/diag.h"
#include "flow/job.h"

/* While planning: columns that mistakes made before keep from view. Naming one is no mistake. */
struct qn_gaps {
    const char *const *names; /* columns that should be there, but nobody can tell their types */
    uint32_t n_names;
    bool any; /* there may be columns whose names are not known either */
};

/* True when a gap may be what keeps this name from being found. `gaps` NULL: there are none. */
bool qn_gaps_hide(const struct qn_gaps *gaps, struct qn_strv name);

/* The column's position; -1 after a complaint at `span`, or without one when a gap hides it.
 * `where` ends the sentence: " here", "". */
int32_t qn_lookup_column(const struct qn_schema *schema, const struct qn_gaps *gaps,
                         struct qn_strv name, struct qn_span span, const char *where,
                         struct qn_diags *diags);

#endif
