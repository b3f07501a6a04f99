#include "jobs/learn/artefact_json.h"

#include <math.h>
#include <string.h>

/* --- writing --------------------------------------------------------------------------------- */

json_t *qn_artefact_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *qn_artefact_text(const char *value)
{
    return value ? json_string(value) : json_null();
}

json_t *qn_artefact_strv(struct qn_strv value)
{
    return value.data ? json_stringn(value.data, value.len) : json_null();
}

json_t *qn_artefact_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

void qn_artefact_put(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

void qn_artefact_push(json_t *array, json_t *value, bool *failed)
{
    if (json_array_append_new(array, value) != 0)
        *failed = true;
}

/* --- reading --------------------------------------------------------------------------------- */

static struct qn_strv copy(struct qn_artefact_reading *in, const json_t *value)
{
    const char *kept = NULL;
    if (json_is_string(value))
        kept = qn_arena_strdup(
            in->arena, (struct qn_strv){json_string_value(value), json_string_length(value)});
    in->bad |= !kept;
    return (struct qn_strv){kept ? kept : "", kept ? json_string_length(value) : 0};
}

struct qn_strv qn_artefact_read_text(struct qn_artefact_reading *in, const json_t *object,
                                     const char *key)
{
    return copy(in, json_object_get(object, key));
}

double qn_artefact_read_number(struct qn_artefact_reading *in, const json_t *object,
                               const char *key)
{
    const json_t *value = json_object_get(object, key);
    double found = json_number_value(value);
    in->bad |= !json_is_number(value) || !isfinite(found);
    return found;
}

uint64_t qn_artefact_read_count(struct qn_artefact_reading *in, const json_t *object,
                                const char *key)
{
    const json_t *value = json_object_get(object, key);
    in->bad |= !json_is_integer(value) || json_integer_value(value) < 0;
    return (uint64_t)json_integer_value(value);
}

bool qn_artefact_read_choice(struct qn_artefact_reading *in, const json_t *object, const char *key,
                             const char *yes, const char *no)
{
    struct qn_strv found = qn_artefact_read_text(in, object, key);
    in->bad |= !qn_strv_is(found, yes) && !qn_strv_is(found, no);
    return qn_strv_is(found, yes);
}

struct qn_type qn_artefact_read_type(struct qn_artefact_reading *in, const json_t *object,
                                     const char *key)
{
    struct qn_type type = {.id = QN_BOOL};
    in->bad |= !qn_type_parse(qn_artefact_read_text(in, object, key), &type);
    return type;
}

struct qn_strv *qn_artefact_read_texts(struct qn_artefact_reading *in, const json_t *object,
                                       const char *key, size_t most, uint32_t *n)
{
    const json_t *list = json_object_get(object, key);
    size_t found = json_array_size(list); /* 0 when it is no array */
    in->bad |= !json_is_array(list) || found > most;
    struct qn_strv *texts = in->bad ? NULL : QN_NEW_ARRAY(in->arena, struct qn_strv, found);
    in->bad |= !texts;
    for (size_t i = 0; i < found && !in->bad; i++)
        texts[i] = copy(in, json_array_get(list, i));
    *n = in->bad ? 0 : (uint32_t)found;
    return texts;
}

qn_code qn_model_corrupt(const char *what, struct qn_err *err)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the model file is corrupt: %s", what);
}
