/* into: the table that a job's rows go to. */
#ifndef QN_FLOW_INTO_H
#define QN_FLOW_INTO_H

#include <stdint.h>

enum qn_write_disposition { QN_WRITE_APPEND, QN_WRITE_REPLACE };
struct qn_index {
    const char *name;           /* by table and columns: the same every time */
    const char *const *columns; /* of the job's rows */
    uint32_t n_columns;
};
struct qn_into {
    const char *table; /* NULL: no table */
    enum qn_write_disposition disposition;
    const struct qn_index *indexes; /* in the order written */
    uint32_t n_indexes;
};

#endif
