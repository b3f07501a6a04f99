/* diag: mistakes in a spec, collected so that all are shown in one go.
 *
 * Rendered as
 *     spec.yaml:12:5: unknown key 'fliter' in job stg_customers
 *        12 |     fliter: tenure >= 0
 *           |     ^^^^^^
 *       expected one of: filter, derive, ...
 *       did you mean 'filter'? */
#ifndef QN_BASE_DIAG_H
#define QN_BASE_DIAG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/strv.h"

/* A place in the spec's text: 1-based line and column (in code points), width in code points. */
struct qn_span {
    uint32_t line, column, width; /* line 0: no place */
};

struct qn_diag {
    struct qn_span span;
    const char *message;
    const char *expected; /* NULL: none; what follows the word "expected": "one of: a, b" */
    const char *hint;     /* NULL: none; "did you mean 'x'?", "quote it", ... */
    bool warning;         /* does not fail validation */
};

struct qn_diags {
    struct qn_arena arena; /* owns the items and their texts */
    struct qn_diag *items;
    size_t n, capacity;
    size_t n_errors;     /* those past the cap too */
    size_t n_dropped;    /* past the cap: counted, not kept */
    const char *file;    /* borrowed: as given by the user */
    struct qn_strv text; /* borrowed: the whole spec, for the caret lines */
};

void qn_diags_init(struct qn_diags *diags, const char *file, struct qn_strv text);
void qn_diags_fini(struct qn_diags *diags);

/* Adds one mistake; texts are copied. Past QN_MAX_DIAGNOSTICS they are dropped.
 * A second complaint about the same span is dropped too: one mistake, one message. (Those without
 * a place must say the same to be dropped.) */
void qn_diags_add(struct qn_diags *diags, struct qn_span span, const char *expected,
                  const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
void qn_diags_warn(struct qn_diags *diags, struct qn_span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sorted by place, as people read them. Whatever the spec holds, only printable text comes out. */
void qn_diags_render(struct qn_diags *diags, struct qn_buf *out, bool color);
/* One JSON array of {file,line,column,width,severity,message,expected,hint}. */
void qn_diags_render_json(struct qn_diags *diags, struct qn_buf *out);

#endif
