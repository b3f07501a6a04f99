/* facts: what a manifest tells of the values of a file, as values. */
#ifndef QN_LAKE_FACTS_H
#define QN_LAKE_FACTS_H

#include "flow/condition.h"
#include "lake/manifest.h"

/* By the layout of its type; BOOL as an integer. */
struct qn_lake_value {
    int64_t i64;
    double f64;
    struct qn_strv text;
};

/* A value as a manifest has it; false: none of the type. */
bool qn_lake_value_parse(struct qn_type type, const char *text, struct qn_lake_value *out);
int qn_lake_value_compare(struct qn_type type, const struct qn_lake_value *a,
                          const struct qn_lake_value *b);

/* Of column `c` of the files, which has the type; memory is the arena's. QN_ENOMEM. */
QN_CHECK qn_code qn_lake_file_facts(const struct qn_lake_manifest *manifest,
                                    const struct qn_lake_file *file, uint32_t c,
                                    struct qn_type type, struct qn_arena *arena,
                                    struct qn_facts *out, struct qn_err *err);

#endif
