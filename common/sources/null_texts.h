/* null_texts: the texts that mean NULL in a column. */
#ifndef QN_SOURCES_NULL_TEXTS_H
#define QN_SOURCES_NULL_TEXTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/source.h"

/* In UTF-8. */
struct qn_null_texts {
    bool declared; /* false: what the format says by itself */
    uint32_t n;
    const struct qn_strv *texts;
};

/* What the declaration (NULL: none) or else the source lists, copied to the arena. */
QN_CHECK qn_code qn_null_texts_take(const struct qn_source_options *options,
                                    const struct qn_column_decl *decl, struct qn_arena *arena,
                                    struct qn_null_texts *out, struct qn_err *err);

bool qn_null_texts_has(const struct qn_null_texts *nulls, struct qn_strv s);

void qn_null_texts_pack(struct qn_buf *buf, const struct qn_null_texts *nulls);
/* Copies to the arena. `failed` of the bytes says what the count hides; QN_EWIRE when it is too
 * large. */
QN_CHECK qn_code qn_null_texts_unpack(struct qn_unpack *in, struct qn_arena *arena,
                                      struct qn_null_texts *out, struct qn_err *err);

#endif
