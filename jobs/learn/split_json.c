#include "jobs/learn/split_json.h"

#include <string.h>

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

json_t *qn_split_to_json(const struct qn_split *split, uint64_t seed, struct qn_type key_type)
{
    char type[QN_TYPE_NAME];
    json_t *out = json_pack("{s:s, s:I, s:f, s:f, s:f, s:b, s:s}", "method", "hash", "seed",
                            (json_int_t)seed, "test", split->test, "validation", split->validation,
                            "calibration", split->calibration, "stratify", split->stratified,
                            "key_type", qn_type_name(key_type, type));
    if (out && split->stratified && json_object_set_new(out, "sides", sides_to_json(split)) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
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

bool qn_split_from_json(const json_t *object, struct qn_split *split, uint64_t *seed,
                        struct qn_type *key_type)
{
    const json_t *number = json_object_get(object, "seed"),
                 *sides = json_object_get(object, "sides");
    const char *method = json_string_value(json_object_get(object, "method"));
    const char *type = json_string_value(json_object_get(object, "key_type"));
    double test = share_of(object, "test"), validation = share_of(object, "validation");
    double calibration = share_of(object, "calibration");
    if (!method || strcmp(method, "hash") != 0 || !json_is_integer(number) || !type ||
        !qn_type_parse(qn_strv_from(type), key_type) || !(test >= 0) || !(validation >= 0) ||
        !(calibration >= 0) || !(test + validation + calibration < 1))
        return false;
    *seed = (uint64_t)json_integer_value(number);
    qn_split_init(split, test, validation, calibration);
    if (!json_is_true(json_object_get(object, "stratify")))
        return true;
    split->stratified = true;
    return json_is_string(sides) &&
           read_sides((struct qn_strv){json_string_value(sides), json_string_length(sides)}, split);
}
