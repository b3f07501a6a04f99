/* boost_slab: the arrays of all pieces of a worker's rows, one after the other, once no more rows
 * come: in memory, in pages as large as the processor has, or in a file that is mapped. */
#ifndef QN_JOBS_LEARN_BOOST_SLAB_H
#define QN_JOBS_LEARN_BOOST_SLAB_H

#include "jobs/learn/boost_piece.h"
#include "wire/mapping.h"

struct qn_boost_slab {
    uint8_t *at; /* NULL: none, or in the file */
    struct qn_mapping file;
};

/* Moves the arrays of pieces[0..n) there, and makes those that rounds need besides. */
QN_CHECK qn_code qn_boost_slab_fill(struct qn_boost_slab *slab, struct qn_boost_piece *pieces,
                                    uint32_t n, const struct qn_boost_frame *frame,
                                    struct qn_err *err);
/* From memory to a file without a name in the folder. Where that fails they stay. */
QN_CHECK qn_code qn_boost_slab_put_away(struct qn_boost_slab *slab, const char *folder,
                                        struct qn_boost_piece *pieces, uint32_t n,
                                        const struct qn_boost_frame *frame, struct qn_err *err);
void qn_boost_slab_drop(struct qn_boost_slab *slab);

#endif
