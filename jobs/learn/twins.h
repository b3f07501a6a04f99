/* twins: feature vectors that stand on both sides of a split, under different keys.
 *
 * Kept are the vectors that hash lowest, with how many rows each has on either side and the
 * bytewise smallest key of each side as an example: which are kept, and what is said of them, does
 * not depend on the order of rows. */
#ifndef QN_JOBS_LEARN_TWINS_H
#define QN_JOBS_LEARN_TWINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { QN_TWIN_KEY = 40 };

struct qn_twin {
    uint64_t hash;             /* of the features */
    uint64_t rows[2];          /* training rows, and rows held out */
    char keys[2][QN_TWIN_KEY]; /* an example of each, where there are rows; cut to fit */
};

struct qn_twins {
    struct qn_twin *items;
    uint32_t n, capacity;
    bool settled;     /* sorted by hash, one item a vector, as many as are kept */
    uint64_t highest; /* hash that was kept when it was last sorted, once it was full */
};

void qn_twins_init(struct qn_twins *twins);
void qn_twins_fini(struct qn_twins *twins);
/* False: so many vectors hash lower that it would not be kept. */
bool qn_twins_wants(const struct qn_twins *twins, uint64_t hash);
QN_CHECK qn_code qn_twins_add(struct qn_twins *twins, uint64_t hash, bool held_out,
                              struct qn_strv key, struct qn_err *err);
/* Fails the buffer when memory runs out. */
void qn_twins_pack(struct qn_buf *out, struct qn_twins *twins);
QN_CHECK qn_code qn_twins_merge(struct qn_twins *twins, struct qn_unpack *in, struct qn_err *err);

/* What there is, of the vectors that are kept. */
struct qn_twins_found {
    uint64_t vectors, rows;
    uint64_t held_out, with_twin;  /* rows held out, and those of them with a training row alike */
    const struct qn_twin *example; /* the one that hashes lowest; NULL: there is none */
};
QN_CHECK qn_code qn_twins_find(struct qn_twins *twins, struct qn_twins_found *out,
                               struct qn_err *err);

#endif
