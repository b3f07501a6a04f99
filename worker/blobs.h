/* blobs: broadcast state by content hash (the plan, the briefs), sent or fetched once from the
 * coordinator, piece by piece, and checked against its hash. */
#ifndef QN_WORKER_BLOBS_H
#define QN_WORKER_BLOBS_H

#include "base/buf.h"
#include "base/hash.h"
#include "wire/message.h"

struct qn_blob {
    struct qn_blob *next;
    char hash[QN_SHA256_HEX];
    struct qn_buf bytes;
    uint64_t total;
    bool whole;
    void *parsed; /* the owner's reading of the bytes; freed by qn_blobs_free's callback */
};

struct qn_blobs {
    struct qn_blob *first;
};

/* NULL: not known, ask for it. */
struct qn_blob *qn_blobs_find(struct qn_blobs *blobs, struct qn_strv hash);
/* An empty one that is being fetched; NULL when out of memory. */
struct qn_blob *qn_blobs_add(struct qn_blobs *blobs, struct qn_strv hash);

/* Adds a piece, asked for or not. *arrived: the blob that this made whole, else NULL. QN_EWIRE: out
 * of order, or not what its hash says. QN_ENOTFOUND: the coordinator has no such, or no longer; it
 * counts as not asked for. */
QN_CHECK qn_code qn_blobs_take(struct qn_blobs *blobs, const struct qn_msg *msg,
                               struct qn_blob **arrived, struct qn_err *err);

void qn_blobs_free(struct qn_blobs *blobs, void (*free_parsed)(void *parsed));

#endif
