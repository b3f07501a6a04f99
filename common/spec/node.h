/* node: a YAML document as a read-only tree that knows where everything stands. */
#ifndef QN_SPEC_NODE_H
#define QN_SPEC_NODE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/strv.h"

enum qn_node_kind { QN_NODE_NULL, QN_NODE_SCALAR, QN_NODE_LIST, QN_NODE_MAP };

struct qn_pair;

struct qn_node {
    enum qn_node_kind kind;
    struct qn_span span;
    struct qn_strv text; /* SCALAR: after ${param:...} and ${env:...} were expanded. NULL: as
                            written ("null", "~" or nothing), for lists of null texts */
    bool quoted;         /* SCALAR: written in quotes or as a block, so never a number or bool */
    bool expanded; /* SCALAR: text differs from the source, so columns inside are approximate */
    struct qn_strv source;       /* SCALAR: its bytes in the spec, quotes and all; for span_at */
    const struct qn_node *items; /* LIST */
    const struct qn_pair *pairs; /* MAP: in the order written, keys unique */
    uint32_t n;                  /* items or pairs */
};

struct qn_pair {
    struct qn_strv key;
    struct qn_span key_span;
    struct qn_node value;
};

/* Reads the one YAML document of `text` (borrowed by the tree) into the arena. Anchors, aliases,
 * tags, merge keys, duplicate keys, keys that are no text, further documents and the like
 * are complaints in diags, and reading goes on without them; a mistake of YAML's syntax or
 * a limit ends it. QN_EINPUT when there was any such complaint (*out is what could be read, NULL
 * when reading ended early), QN_ENOMEM. */
QN_CHECK qn_code qn_node_read(struct qn_strv text, struct qn_arena *arena, struct qn_diags *diags,
                              const struct qn_node **out, struct qn_err *err);

/* The value under a key of a MAP; NULL when node is NULL, no map, or has no such key. */
const struct qn_node *qn_node_get(const struct qn_node *node, const char *key);
/* The pair itself, for complaints about the key. */
const struct qn_pair *qn_node_pair(const struct qn_node *node, const char *key);

/* Scalars of a checked tree; `missing` when node is NULL. Text is NUL-terminated by the reader. */
const char *qn_node_text(const struct qn_node *node, const char *missing);
int64_t qn_node_i64(const struct qn_node *node, int64_t missing);
double qn_node_f64(const struct qn_node *node, double missing);
bool qn_node_bool(const struct qn_node *node, bool missing);
uint64_t qn_node_bytes(const struct qn_node *node, uint64_t missing); /* 1024, 64KiB, 1.5GB */

/* The same as tests: whether the node is one, and which. Quoted text is never a number or bool. */
bool qn_node_is_i64(const struct qn_node *node, int64_t *out);
bool qn_node_is_f64(const struct qn_node *node, double *out); /* finite */
bool qn_node_is_bool(const struct qn_node *node, bool *out);
bool qn_node_is_bytes(const struct qn_node *node, uint64_t *out);

/* "a mapping", "a list", "a text", "nothing", as complaints name it. */
const char *qn_node_what(const struct qn_node *node);

/* A list's items, or one item when the node is a single value ("from: a" and "from: [a, b]"). */
const struct qn_node *qn_node_items(const struct qn_node *node, uint32_t *n);

/* The span of `width` bytes at byte `offset` of a scalar: for mistakes inside an expression. Exact
 * in plain, quoted and block text, over several lines too; the whole scalar's span where the text
 * was expanded or holds escapes that hide where its bytes came from. */
struct qn_span qn_node_span_at(const struct qn_node *node, size_t offset, size_t width);

#endif
