/* node: a YAML document as a read-only tree that knows where everything stands. */
#ifndef QN_SPEC_NODE_H
#define QN_SPEC_NODE_H

#include "base/diag.h"
#include "base/strv.h"

enum qn_node_kind { QN_NODE_NULL, QN_NODE_SCALAR, QN_NODE_LIST, QN_NODE_MAP };

struct qn_pair;

struct qn_node {
    enum qn_node_kind kind;
    struct qn_span span;
    struct qn_strv text; /* SCALAR: after ${param:...} and ${env:...} were expanded */
    bool quoted;         /* SCALAR: written in quotes or as a block, so never a number or bool */
    bool expanded; /* SCALAR: text differs from the source, so columns inside are approximate */
    const struct qn_node *items; /* LIST */
    const struct qn_pair *pairs; /* MAP: in the order written, keys unique */
    uint32_t n;                  /* items or pairs */
};

struct qn_pair {
    struct qn_strv key;
    struct qn_span key_span;
    struct qn_node value;
};

/* The value under a key of a MAP; NULL when node is NULL, no map, or has no such key. */
const struct qn_node *qn_node_get(const struct qn_node *node, const char *key);
/* The pair itself, for complaints about the key. */
const struct qn_pair *qn_node_pair(const struct qn_node *node, const char *key);

/* Scalars of a checked tree; `missing` when node is NULL. Text is NUL-terminated by the reader. */
const char *qn_node_text(const struct qn_node *node, const char *missing);
int64_t qn_node_i64(const struct qn_node *node, int64_t missing);
double qn_node_f64(const struct qn_node *node, double missing);
bool qn_node_bool(const struct qn_node *node, bool missing);

/* A list's items, or one item when the node is a single value ("from: a" and "from: [a, b]"). */
const struct qn_node *qn_node_items(const struct qn_node *node, uint32_t *n);

/* The span of `width` bytes at byte `offset` of a scalar: for mistakes inside an expression. */
struct qn_span qn_node_span_at(const struct qn_node *node, size_t offset, size_t width);

#endif
