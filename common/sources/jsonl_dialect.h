/* jsonl_dialect: which keys of a record are which columns, and what becomes of the rest. Worked out
 * on the coordinator, packed into qn_source_info.dialect, and all that a worker needs besides the
 * schema. */
#ifndef QN_SOURCES_JSONL_DIALECT_H
#define QN_SOURCES_JSONL_DIALECT_H

#include "sources/jsonl_tree.h"
#include "sources/null_texts.h"

enum qn_jsonl_role {
    QN_JSONL_VALUE,   /* what stands at the path; the record itself when the path is empty */
    QN_JSONL_RAW,     /* the record's bytes */
    QN_JSONL_EXTRA,   /* an object of the keys that are no columns */
    QN_JSONL_ORDINAL, /* the place of the record in its array, from 0 */
    QN_JSONL_ROLES
};

struct qn_jsonl_path {
    uint32_t n;
    const struct qn_strv *keys;
};

struct qn_jsonl_column {
    enum qn_jsonl_role role;
    struct qn_jsonl_path path; /* QN_JSONL_VALUE */
    struct qn_null_texts nulls;
};

struct qn_jsonl_dialect {
    uint32_t n_columns; /* as the schema has */
    const struct qn_jsonl_column *columns;
    struct qn_jsonl_path records; /* of the array whose elements are the records; n 0: none */
    enum qn_on_malformed on_unknown_key, on_wrong_type;
};

/* "nested keys are columns, records at order.items, unknown keys quarantined": for people. */
void qn_jsonl_dialect_describe(const struct qn_jsonl_dialect *dialect, struct qn_buf *out);

void qn_jsonl_dialect_pack(struct qn_buf *buf, const struct qn_jsonl_dialect *dialect);

/* Copies to the arena. Every value is checked: the bytes may come from a hostile peer. */
QN_CHECK qn_code qn_jsonl_dialect_unpack(struct qn_strv bytes, uint32_t n_columns,
                                         struct qn_arena *arena, struct qn_jsonl_dialect *out,
                                         struct qn_err *err);

/* The keys of all columns as a tree, with the columns' numbers in its nodes and, for those that are
 * wanted (NULL: all), their places in batches. `slots` gets the places of the other roles' columns,
 * -1 where there is none. */
QN_CHECK qn_code qn_jsonl_dialect_tree(const struct qn_jsonl_dialect *dialect, const bool *wanted,
                                       struct qn_arena *arena, struct qn_jsonl_tree *out,
                                       int32_t slots[QN_JSONL_ROLES], struct qn_err *err);

/* The role's column, or -1. */
int32_t qn_jsonl_dialect_role(const struct qn_jsonl_dialect *dialect, enum qn_jsonl_role role);

#endif
