#include "lake/facts.h"

#include <math.h>
#include <string.h>

#include "flow/value.h"

bool qn_lake_value_parse(struct qn_type type, const char *text, struct qn_lake_value *out)
{
    struct qn_strv s = qn_strv_from(text);
    bool flag = false;
    *out = (struct qn_lake_value){.text = s};
    switch ((enum qn_type_id)type.id) {
    case QN_BOOL:
        if (!qn_parse_bool(s, &flag))
            return false;
        out->i64 = flag;
        return true;
    case QN_INT64: return qn_strv_to_i64(s, &out->i64);
    case QN_DATE: return qn_parse_date(s, &out->i64);
    case QN_TIMESTAMP: return qn_parse_timestamp(s, &out->i64);
    case QN_DECIMAL: return qn_parse_decimal(s, type.precision, type.scale, &out->i64);
    case QN_DOUBLE: return qn_parse_any_double(s, &out->f64);
    case QN_TEXT: return true;
    }
    return false;
}

int qn_lake_value_compare(struct qn_type type, const struct qn_lake_value *a,
                          const struct qn_lake_value *b)
{
    if (type.id == QN_DOUBLE)
        return (a->f64 > b->f64) - (a->f64 < b->f64);
    if (type.id == QN_TEXT)
        return qn_strv_cmp(a->text, b->text);
    return (a->i64 > b->i64) - (a->i64 < b->i64);
}

/* Values that a manifest does not tell, or tells wrongly, are not known. */
static bool take_bound(struct qn_type type, const char *text, struct qn_arena *arena,
                       struct qn_facts *out, uint32_t bound, bool *known)
{
    struct qn_lake_value value;
    struct qn_column *bounds = &out->bounds;
    size_t used = bounds->offsets ? bounds->offsets[bound] : 0;
    *known = text && qn_lake_value_parse(type, text, &value);
    if (type.id == QN_TEXT)
        bounds->offsets[bound + 1] = (uint32_t)used;
    if (!*known)
        return true;
    if (type.id == QN_DOUBLE)
        bounds->f64[bound] = value.f64;
    else if (type.id != QN_TEXT)
        bounds->i64[bound] = value.i64;
    else {
        char *bytes = qn_arena_alloc(arena, used + value.text.len + 1);
        if (!bytes)
            return false;
        if (used)
            memcpy(bytes, bounds->bytes, used);
        memcpy(bytes + used, value.text.data, value.text.len);
        bounds->bytes = bytes;
        bounds->offsets[bound + 1] = (uint32_t)(used + value.text.len);
    }
    return true;
}

qn_code qn_lake_file_facts(const struct qn_lake_manifest *manifest, const struct qn_lake_file *file,
                           uint32_t c, struct qn_type type, struct qn_arena *arena,
                           struct qn_facts *out, struct qn_err *err)
{
    struct qn_type stored = type.id == QN_BOOL ? (struct qn_type){.id = QN_INT64} : type;
    /* What CSV has for an empty text is read as NULL. */
    bool as_written = type.id != QN_TEXT || strcmp(manifest->format, "parquet") == 0;
    *out = (struct qn_facts){.no_nulls = file->nulls[c] == 0 && as_written,
                             .all_null = file->nulls[c] == file->rows};
    QN_TRY(qn_column_new(arena, stored, 2, &out->bounds, err));
    if (!take_bound(type, file->min[c], arena, out, 0, &out->has_min) ||
        !take_bound(type, file->max[c], arena, out, 1, &out->has_max))
        return qn_err_nomem(err, "a file's bounds");
    return QN_OK;
}
