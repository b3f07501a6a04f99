/* model_terms: what a model's file holds, for people and for programs. */
#ifndef QN_CLI_MODEL_TERMS_H
#define QN_CLI_MODEL_TERMS_H

#include <stdio.h>

#include "base/err.h"
#include "base/strv.h"

/* Its calibration, features (with their gain, in trees), and coefficients with standard error, z, p
 * and odds ratio, where it has some.
 * QN_EINPUT when the file is no model. */
QN_CHECK qn_code qn_model_terms_print(FILE *out, struct qn_strv file, struct qn_err *err);

/* The whole file as one JSON value on one line. */
QN_CHECK qn_code qn_model_terms_json(FILE *out, struct qn_strv file, struct qn_err *err);

#endif
