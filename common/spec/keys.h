/* keys: what a mapping of the spec may hold. One table drives the reader, its complaints
 * ("did you mean"), the JSON Schema for editors and the reference in docs/spec.md. */
#ifndef QN_SPEC_KEYS_H
#define QN_SPEC_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "spec/node.h"

enum qn_shape {
    QN_SHAPE_TEXT,       /* any scalar */
    QN_SHAPE_IDENTIFIER, /* [A-Za-z_][A-Za-z0-9_]{0,62} */
    QN_SHAPE_INT,        /* within [min, max] when max > min; only min when they are equal, not 0 */
    QN_SHAPE_NUMBER,     /* within [min, max] when max > min */
    QN_SHAPE_BOOL,
    QN_SHAPE_BYTES,  /* 1024, 64KiB, 16MiB, 1GB */
    QN_SHAPE_ENUM,   /* one of `values` (NULL: checked by whoever knows the registry) */
    QN_SHAPE_EXPR,   /* a SQL scalar expression; checked when the job compiles */
    QN_SHAPE_TYPE,   /* a column type, see qn_type_parse */
    QN_SHAPE_SCALAR, /* text, number or bool, as is: accepted values, constants */
    QN_SHAPE_OBJECT, /* a mapping checked against `object` */
    QN_SHAPE_LIST,   /* a list; each item of shape `item` (and values/object); a single item is
                            taken as a list of one when `or_single` */
    QN_SHAPE_MAP,    /* free keys; each value of shape `item` (and object) */
    QN_SHAPE_TESTS,  /* data_tests: see spec/tests.h */
    QN_SHAPE_COLUMN_TESTS, /* data_tests that stand under a column */
    QN_SHAPE_ANY,          /* checked by the job's compile */
};

struct qn_spec_keys;

struct qn_key {
    const char *name;
    enum qn_shape shape;
    bool required;
    enum qn_shape item;                /* LIST (of a LIST: that of texts), MAP */
    bool or_single;                    /* LIST */
    bool or_text;                      /* OBJECT: a bare text is fine too (into: name) */
    bool or_list;                      /* NUMBER: a list of texts, numbers, bools is fine too */
    const char *const *values;         /* ENUM: NULL-terminated */
    const struct qn_spec_keys *object; /* OBJECT, or LIST/MAP of objects */
    double min, max;
    const char *doc;  /* one line for the reference and the JSON Schema */
    bool identifiers; /* MAP: keys must be identifiers, not any text (columns of a file) */
    /* Known to users of later versions, refused by name instead of as unknown. */
    bool unsupported;
    const char *const *unsupported_values; /* ENUM: NULL-terminated */
};

struct qn_spec_keys {
    const char *what; /* "source", "etl job": used in "unknown key 'x' in etl job stg" */
    const struct qn_key *keys;
    size_t n;
};

#define QN_KEYS(text, table)                                                                       \
    {                                                                                              \
        .what = (text), .keys = (table), .n = sizeof(table) / sizeof((table)[0])                   \
    }

/* Checks a mapping against its table; `name` is the job's or source's (may be NULL). All
 * complaints go to diags; true when there were none. */
bool qn_keys_check(const struct qn_spec_keys *keys, const struct qn_node *node, const char *name,
                   struct qn_diags *diags);

/* What a check came to. SLIPS: there were mistakes, but whoever reads the mapping can go on without
 * what they are about (an unknown key, a data test), and what it finds then is not a consequence of
 * them. */
enum qn_form { QN_FORM_GOOD, QN_FORM_SLIPS, QN_FORM_BAD };

/* The same, where `also` (may be NULL) is a second table: keys that several kinds share. */
enum qn_form qn_keys_check_with(const struct qn_spec_keys *keys, const struct qn_spec_keys *also,
                                const struct qn_node *node, const char *name,
                                struct qn_diags *diags);

/* "did you mean 'x'?" in `out`, or NULL when no candidate is close. */
enum { QN_HINT_BYTES = 160 };
const char *qn_did_you_mean(struct qn_strv word, const char *const *candidates, size_t n,
                            char out[QN_HINT_BYTES]);

#endif
