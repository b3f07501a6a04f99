/* split_json: how a model file says which rows its model has seen.
 *
 *     {"method": "hash", "seed", "test", "validation", "calibration", "stratify",
 *      "key_type": "text", "sides": "e13107t52429"}
 *
 * "sides" is there when the split is stratified: runs of buckets (split.h), each a side's letter
 * (t train, v validation, e test, c calibration) and how many. With it any key's side can be told
 * again, whatever the data are by then. */
#ifndef QN_JOBS_LEARN_SPLIT_JSON_H
#define QN_JOBS_LEARN_SPLIT_JSON_H

#include <jansson.h>

#include "jobs/learn/split.h"

/* NULL when memory ran out. */
json_t *qn_split_to_json(const struct qn_split *split, uint64_t seed, struct qn_type key_type);

/* What a model file says. False: that of an older version, which does not say enough. */
bool qn_split_from_json(const json_t *object, struct qn_split *split, uint64_t *seed,
                        struct qn_type *key_type);

#endif
