#include "jobs/learn/split_json.h"

#include <string.h>

#include "base/limits.h"
#include "flow/value.h"
#include "jobs/learn/artefact_json.h"

static const char *const methods[] = {"hash", "time", "column"};
static const char letters[QN_N_SIDES] = {
    [QN_SIDE_TRAIN] = 't',
    [QN_SIDE_VALIDATION] = 'v',
    [QN_SIDE_TEST] = 'e',
    [QN_SIDE_CALIBRATION] = 'c',
};

static json_t *sides_to_json(const struct qn_split *split)
{
    struct qn_buf runs;
    qn_buf_init(&runs);
    for (uint32_t begin = 0, end; begin < QN_SPLIT_BUCKETS; begin = end) {
        enum qn_side side = qn_split_bucket_side(split, begin);
        for (end = begin; end < QN_SPLIT_BUCKETS && qn_split_bucket_side(split, end) == side;)
            end++;
        qn_buf_printf(&runs, "%c%u", letters[side], end - begin);
    }
    json_t *out = runs.failed ? NULL : json_stringn((const char *)runs.data, runs.len);
    qn_buf_fini(&runs);
    return out;
}

static void put_hash(json_t *out, const struct qn_model_rows *rows, bool *failed)
{
    const struct qn_split *split = rows->split;
    qn_artefact_put(out, "seed", json_integer((json_int_t)rows->seed), failed);
    qn_artefact_put(out, "test", json_real(split->test), failed);
    qn_artefact_put(out, "validation", json_real(split->validation), failed);
    qn_artefact_put(out, "calibration", json_real(split->calibration), failed);
    qn_artefact_put(out, "stratify", json_boolean(split->stratified), failed);
    if (split->stratified)
        qn_artefact_put(out, "sides", sides_to_json(split), failed);
}

static json_t *begins_to_json(const struct qn_model_rows *rows, bool *failed)
{
    json_t *out = json_object();
    char text[QN_VALUE_TEXT];
    for (int side = 0; side < QN_N_SIDES; side++) {
        if (!rows->split->begins[side])
            continue;
        size_t n = qn_split_time_format(rows->by_type, rows->split->from[side], text);
        qn_artefact_put(out, qn_side_name((enum qn_side)side), json_stringn(text, n), failed);
    }
    return out;
}

static json_t *values_to_json(const struct qn_split *split, bool *failed)
{
    json_t *out = json_object();
    for (int side = 0; side < QN_N_SIDES; side++) {
        const struct qn_split_values *values = &split->values[side];
        json_t *list = json_array();
        for (uint32_t i = 0; i < values->n; i++)
            qn_artefact_push(list, qn_artefact_strv(values->items[i]), failed);
        qn_artefact_put(out, qn_side_name((enum qn_side)side), list, failed);
    }
    return out;
}

json_t *qn_split_to_json(const struct qn_model_rows *rows)
{
    bool failed = false;
    char type[QN_TYPE_NAME];
    json_t *out = json_object();
    qn_artefact_put(out, "method", json_string(methods[rows->split->method]), &failed);
    qn_artefact_put(out, "key_type", json_string(qn_type_name(rows->key_type, type)), &failed);
    if (rows->by) {
        qn_artefact_put(out, "by", json_string(rows->by), &failed);
        qn_artefact_put(out, "by_type", json_string(qn_type_name(rows->by_type, type)), &failed);
    }
    switch (rows->split->method) {
    case QN_SPLIT_HASH: put_hash(out, rows, &failed); break;
    case QN_SPLIT_TIME: qn_artefact_put(out, "from", begins_to_json(rows, &failed), &failed); break;
    case QN_SPLIT_COLUMN:
        qn_artefact_put(out, "values", values_to_json(rows->split, &failed), &failed);
        qn_artefact_put(out, "rest_trains", json_boolean(rows->split->rest_trains), &failed);
        break;
    }
    if (!failed)
        return out;
    json_decref(out);
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool read_run(struct qn_strv *rest, enum qn_side *side, uint32_t *n)
{
    const char *letter = memchr(letters, rest->data[0], sizeof letters);
    size_t end = 1;
    *n = 0;
    for (; end < rest->len && rest->data[end] >= '0' && rest->data[end] <= '9'; end++)
        *n = *n > QN_SPLIT_BUCKETS ? *n : *n * 10 + (uint32_t)(rest->data[end] - '0');
    if (!letter || end == 1)
        return false;
    *side = (enum qn_side)(letter - letters);
    *rest = (struct qn_strv){rest->data + end, rest->len - end};
    return true;
}

static bool read_sides(struct qn_strv runs, struct qn_split *split)
{
    uint32_t bucket = 0, n;
    enum qn_side side;
    while (runs.len) {
        if (!read_run(&runs, &side, &n) || n > QN_SPLIT_BUCKETS - bucket)
            return false;
        for (uint32_t end = bucket + n; bucket < end; bucket++)
            qn_split_bucket_give(split, bucket, side);
    }
    return bucket == QN_SPLIT_BUCKETS;
}

static double share_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static bool read_type(const json_t *object, const char *key, struct qn_type *out)
{
    const char *name = json_string_value(json_object_get(object, key));
    return name && qn_type_parse(qn_strv_from(name), out);
}

static bool read_hash(const json_t *object, struct qn_split *split, uint64_t *seed)
{
    const json_t *number = json_object_get(object, "seed"),
                 *sides = json_object_get(object, "sides");
    double test = share_of(object, "test"), validation = share_of(object, "validation");
    double calibration = share_of(object, "calibration");
    if (!json_is_integer(number) || !(test >= 0) || !(validation >= 0) || !(calibration >= 0) ||
        !(test + validation + calibration < 1))
        return false;
    *seed = (uint64_t)json_integer_value(number);
    qn_split_init(split, test, validation, calibration);
    if (!json_is_true(json_object_get(object, "stratify")))
        return true;
    split->stratified = true;
    return json_is_string(sides) &&
           read_sides((struct qn_strv){json_string_value(sides), json_string_length(sides)}, split);
}

static bool read_begins(const json_t *object, struct qn_type type, struct qn_split *split)
{
    const json_t *from = json_object_get(object, "from");
    split->method = QN_SPLIT_TIME;
    for (int side = 0; side < QN_N_SIDES; side++) {
        const char *text =
            json_string_value(json_object_get(from, qn_side_name((enum qn_side)side)));
        split->begins[side] = text != NULL;
        if (text && !qn_split_time_parse(type, qn_strv_from(text), &split->from[side]))
            return false;
    }
    return json_is_object(from);
}

static bool read_values(const json_t *object, struct qn_arena *arena, struct qn_split *split)
{
    const json_t *lists = json_object_get(object, "values");
    struct qn_artefact_reading in = {.arena = arena};
    split->method = QN_SPLIT_COLUMN;
    split->rest_trains = json_is_true(json_object_get(object, "rest_trains"));
    for (int side = 0; side < QN_N_SIDES; side++)
        split->values[side].items =
            qn_artefact_read_texts(&in, lists, qn_side_name((enum qn_side)side), QN_MAX_CATEGORIES,
                                   &split->values[side].n);
    return !in.bad;
}

qn_code qn_split_from_json(const json_t *object, struct qn_arena *arena, struct qn_model_rows *rows,
                           struct qn_err *err)
{
    const char *method = json_string_value(json_object_get(object, "method"));
    const char *by = json_string_value(json_object_get(object, "by"));
    struct qn_split *split = QN_NEW(arena, struct qn_split);
    rows->by = by ? qn_arena_strdup(arena, qn_strv_from(by)) : NULL;
    if (!split || (by && !rows->by))
        return qn_err_nomem(err, "a model");
    if (!method || !read_type(object, "key_type", &rows->key_type) ||
        (by && !read_type(object, "by_type", &rows->by_type)))
        return QN_OK;
    bool good =
        strcmp(method, methods[QN_SPLIT_HASH]) == 0 ? read_hash(object, split, &rows->seed)
        : !by                                       ? false
        : strcmp(method, methods[QN_SPLIT_TIME]) == 0
            ? read_begins(object, rows->by_type, split)
            : strcmp(method, methods[QN_SPLIT_COLUMN]) == 0 && read_values(object, arena, split);
    if (good)
        rows->split = split;
    return QN_OK;
}
