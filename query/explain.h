/* explain: a plan as people read it: the specs that are run, and what is done with their rows. */
#ifndef QN_QUERY_EXPLAIN_H
#define QN_QUERY_EXPLAIN_H

#include "base/buf.h"
#include "query/query.h"

/* Every phase as YAML with comments: the spec of a single phase can be run as it stands. */
void qn_query_explain(const struct qn_query *query, struct qn_buf *out);

#endif
