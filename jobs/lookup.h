/* lookup: columns by the names that a spec gives them, with "did you mean". */
#ifndef QN_JOBS_LOOKUP_H
#define QN_JOBS_LOOKUP_H

#include "base/diag.h"
#include "flow/schema.h"

/* The column's position; -1 after a complaint at `span`. `where` ends the sentence: " here", "". */
int32_t qn_lookup_column(const struct qn_schema *schema, struct qn_strv name, struct qn_span span,
                         const char *where, struct qn_diags *diags);

#endif
