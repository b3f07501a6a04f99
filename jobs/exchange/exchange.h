/* exchange: model files in the languages of other programs.
 *
 *   format     algorithms             who reads it
 *   lightgbm   gradient_boosting      LightGBM: its text model
 *   xgboost    gradient_boosting      XGBoost: its JSON model
 *   c          both                   a C compiler: one file that needs no other
 *   json       both                   whoever reads our own model file (artefact.h)
 *
 * Matrices that those libraries score hold texts as codes: the position of the text in the list of
 * its column (the columns file names them), NaN where it is missing, and the length of the list
 * where it is not in there.
 *
 * Neither can say how scores are calibrated: that stands in the columns file as in the model file.
 *
 *     {"format": "quern-columns", "format_version": 1, "model": "churn",
 *      "columns": [{"name", "type", "kind": "numeric"},
 *                  {"name", "type", "kind": "categorical", "categories": ["a", "b"]}],
 *      "calibration": {"method": "platt", "slope", "intercept", ...}} */
#ifndef QN_JOBS_EXCHANGE_EXCHANGE_H
#define QN_JOBS_EXCHANGE_EXCHANGE_H

#include "base/buf.h"
#include "base/err.h"

struct qn_exchange_format {
    const char *name;
    bool has_columns; /* a columns file goes with it */
};
const struct qn_exchange_format *qn_exchange_format_find(const char *name); /* NULL: none */

/* Appends the model to `out`, and its columns file to `columns` where the format has one. `name`
 * is an identifier. *left_out: the calibration that scores of the written model lack ("platt");
 * NULL: nothing is lacking. QN_ENOTSUP, with the reason, on an algorithm that the format cannot
 * say. */
QN_CHECK qn_code qn_exchange_write(const struct qn_exchange_format *format, const char *name,
                                   struct qn_strv artefact, struct qn_buf *out,
                                   struct qn_buf *columns, const char **left_out,
                                   struct qn_err *err);

/* Appends a model file (artefact.h), and its parameters as one line of JSON, for a text model that
 * LightGBM wrote. `columns` is a columns file, or empty: then texts are the codes themselves, as
 * digits. `path` is for complaints. QN_EINPUT on what is no such file, QN_ENOTSUP on what scoring
 * cannot do, by name. */
QN_CHECK qn_code qn_exchange_read_lightgbm(const char *path, struct qn_strv text,
                                           struct qn_strv columns, struct qn_buf *out,
                                           struct qn_buf *params, struct qn_err *err);

#endif
