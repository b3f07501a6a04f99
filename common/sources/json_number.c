#include "sources/json_number.h"

#include <string.h>

#include "flow/scaled.h"
#include "flow/value.h"

bool qn_json_number(struct qn_type type, struct qn_strv s, int64_t *out)
{
    double value;
    if (type.id == QN_DOUBLE) {
        bool good = qn_parse_double(s, &value);
        memcpy(out, &value, sizeof value);
        return good;
    }
    if ((type.id != QN_INT64 && type.id != QN_DECIMAL) || !qn_parse_scaled(s, type.scale, out))
        return false;
    int64_t limit = type.id == QN_DECIMAL ? qn_pow10(type.precision) : INT64_MAX;
    return type.id == QN_INT64 || (*out<limit && * out> - limit);
}
