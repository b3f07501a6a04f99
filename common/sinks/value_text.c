#include "sinks/value_text.h"

#include <math.h>
#include <string.h>

#include "flow/value.h"

static char *put_word(char *out, const char *word)
{
    size_t n = strlen(word);
    memcpy(out, word, n);
    return out + n;
}

static char *put_double(double value, char *out)
{
    if (!isfinite(value))
        return put_word(out, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    size_t n = qn_format_double(value, out);
    for (size_t i = 0; i < n; i++)
        if (out[i] == '.' || out[i] == 'e')
            return out + n;
    return put_word(out + n, ".0");
}

char *qn_value_put(const struct qn_column *column, uint32_t row, char *out)
{
    switch ((enum qn_type_id)column->type.id) {
    case QN_BOOL: return put_word(out, column->bools[row] ? "true" : "false");
    case QN_INT64: return out + qn_format_i64(column->i64[row], out);
    case QN_DOUBLE: return put_double(column->f64[row], out);
    case QN_DECIMAL: return out + qn_format_decimal(column->i64[row], column->type.scale, out);
    case QN_DATE: return out + qn_format_date(column->i64[row], out);
    case QN_TIMESTAMP: return out + qn_format_timestamp(column->i64[row], out);
    case QN_TEXT: break;
    }
    return out;
}

size_t qn_value_text_bytes(const struct qn_batch *batch)
{
    size_t bytes = 0;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        if (batch->columns[c].type.id == QN_TEXT && batch->n_rows)
            bytes += batch->columns[c].offsets[batch->n_rows] - batch->columns[c].offsets[0];
    return bytes;
}
