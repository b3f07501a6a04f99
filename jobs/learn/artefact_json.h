/* artefact_json: what the writers and readers of model files share over jansson. */
#ifndef QN_JOBS_LEARN_ARTEFACT_JSON_H
#define QN_JOBS_LEARN_ARTEFACT_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/strv.h"
#include "flow/schema.h"

/* --- writing -------------------------------------------------------------------------------- */

/* A value that could not be made (NULL) sets *failed, and the whole fails at its end. */

json_t *qn_artefact_number(double value);    /* null unless finite */
json_t *qn_artefact_text(const char *value); /* NULL: null */
json_t *qn_artefact_strv(struct qn_strv value);
json_t *qn_artefact_count(uint64_t value);
/* Both steal the value. */
void qn_artefact_put(json_t *object, const char *key, json_t *value, bool *failed);
void qn_artefact_push(json_t *array, json_t *value, bool *failed);

/* --- reading -------------------------------------------------------------------------------- */

/* What is not there, or not what it must be, sets in->bad and gives something harmless. Texts are
 * copied to the arena. */

struct qn_artefact_reading {
    struct qn_arena *arena;
    bool bad;
};
struct qn_strv qn_artefact_read_text(struct qn_artefact_reading *in, const json_t *object,
                                     const char *key);
double qn_artefact_read_number(struct qn_artefact_reading *in, const json_t *object,
                               const char *key);
uint64_t qn_artefact_read_count(struct qn_artefact_reading *in, const json_t *object,
                                const char *key);
/* Whether it is `yes`; it must be `no` otherwise. */
bool qn_artefact_read_choice(struct qn_artefact_reading *in, const json_t *object, const char *key,
                             const char *yes, const char *no);
struct qn_type qn_artefact_read_type(struct qn_artefact_reading *in, const json_t *object,
                                     const char *key);
/* A list of at most `most` texts. */
struct qn_strv *qn_artefact_read_texts(struct qn_artefact_reading *in, const json_t *object,
                                       const char *key, size_t most, uint32_t *n);

/* QN_EINPUT: "the model file is corrupt: ...". */
qn_code qn_model_corrupt(const char *what, struct qn_err *err);

#endif
