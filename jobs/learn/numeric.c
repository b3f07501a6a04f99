#include "jobs/learn/numeric.h"

#include <math.h>

#include "flow/value.h"

static double value_at(const struct qn_column *column, uint32_t row)
{
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return column->bools[row] ? 1 : 0;
    case QN_LAYOUT_F64: return column->f64[row];
    case QN_LAYOUT_I64:
        return column->type.id == QN_DECIMAL
                   ? qn_decimal_to_double(column->i64[row], column->type.scale)
                   : (double)column->i64[row];
    case QN_LAYOUT_TEXT: break;
    }
    return (double)NAN;
}

qn_code qn_numeric_take(const struct qn_column *column, const char *name, const uint32_t *rows,
                        uint32_t n, double *out, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!qn_is_valid(column, rows[i])) {
            out[i] = (double)NAN;
            continue;
        }
        out[i] = value_at(column, rows[i]);
        if (!(fabs(out[i]) <= QN_NUMERIC_LARGEST))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "column '%s' holds %g: features must be finite and within 1e140; "
                              "filter or rescale it first",
                              name, out[i]);
    }
    return QN_OK;
}
