/* set_marks: which rows of UNION, INTERSECT or EXCEPT go out, a bit a row. They are found by going
 * through the rows of both sides as often as the memory of the counts asks for; the rows then go out
 * in their own order, in one go, whatever the memory was. */
#ifndef QN_QUERY_SET_MARKS_H
#define QN_QUERY_SET_MARKS_H

#include "query/query.h"
#include "query/row_set.h"

struct qn_set_marks {
    const struct qn_query_tree *tree; /* its operation */
    struct qn_row_set counts;
    uint64_t *
        bits; /* of the rows that may go out: the left ones, behind them those of a UNION's right */
    size_t n_words;
    uint64_t at; /* the next one */
};

void qn_set_marks_init(struct qn_set_marks *marks, const struct qn_query_tree *tree,
                       uint64_t memory_bytes);
void qn_set_marks_fini(struct qn_set_marks *marks);

/* Of a UNION the left side is first; of the others the right one, whose rows are counted alone. */
QN_CHECK qn_code qn_set_marks_first(struct qn_set_marks *marks, const struct qn_batch *batch,
                                    struct qn_err *err);
QN_CHECK qn_code qn_set_marks_second(struct qn_set_marks *marks, const struct qn_batch *batch,
                                     struct qn_err *err);
/* Both sides were seen. True: they are to be seen again. False: all is known, and no counts are
 * kept. */
bool qn_set_marks_again(struct qn_set_marks *marks);

/* Numbers of the batch's rows that go out; n of them. Batches come as they did before. */
uint32_t qn_set_marks_take(struct qn_set_marks *marks, const struct qn_batch *batch,
                           uint32_t *rows);

#endif
