/* split_json: how a model file says which rows its model has seen.
 *
 *     {"method": "hash", "seed", "test", "validation", "calibration", "stratify",
 *      "key_type": "text", "by", "by_type", "sides": "e13107t52429"}
 *     {"method": "time", "key_type", "by", "by_type": "date", "from": {"test": "2026-01-01"}}
 *     {"method": "column", "key_type", "by", "by_type",
 *      "values": {"train": [...], "test": [...]}, "rest_trains": false}
 *
 * "by" is the column that the split goes by, where it is not the key. "sides" is there when the
 * split is stratified: runs of buckets (split.h), each a side's letter (t train, v validation, e
 * test, c calibration) and how many. With it any row's side can be told again, whatever the data
 * are by then. */
#ifndef QN_JOBS_LEARN_SPLIT_JSON_H
#define QN_JOBS_LEARN_SPLIT_JSON_H

#include <jansson.h>

#include "jobs/learn/model.h"

/* NULL when memory ran out. */
json_t *qn_split_to_json(const struct qn_model_rows *rows);

/* All but the key, into the arena; rows->split stays NULL when it is a file of an older version,
 * which does not say enough. QN_ENOMEM. */
QN_CHECK qn_code qn_split_from_json(const json_t *object, struct qn_arena *arena,
                                    struct qn_model_rows *rows, struct qn_err *err);

#endif
