#include "query/set_marks.h"

#include <stdlib.h>
#include <string.h>

void qn_set_marks_init(struct qn_set_marks *marks, const struct qn_query_tree *tree,
                       uint64_t memory_bytes)
{
    *marks = (struct qn_set_marks){.tree = tree};
    qn_row_set_init(&marks->counts, memory_bytes);
}

void qn_set_marks_fini(struct qn_set_marks *marks)
{
    qn_row_set_fini(&marks->counts);
    free(marks->bits);
    *marks = (struct qn_set_marks){0};
}

/* --- marking --------------------------------------------------------------------------------- */

static bool make_room(struct qn_set_marks *marks)
{
    size_t n = marks->n_words ? marks->n_words * 2 : 1024;
    if (marks->at / 64 < marks->n_words)
        return true;
    uint64_t *bits = realloc(marks->bits, n * sizeof *bits);
    if (!bits)
        return false;
    memset(bits + marks->n_words, 0, (n - marks->n_words) * sizeof *bits);
    marks->bits = bits;
    marks->n_words = n;
    return true;
}

/* What the operation does with a row that came so often before. */
static bool passes(const struct qn_query_tree *tree, uint64_t *count)
{
    const uint64_t gone = UINT64_MAX;
    if (tree->op == QN_QUERY_UNION || (tree->op == QN_QUERY_EXCEPT && !tree->all))
        return (*count)++ == 0;
    if (tree->op == QN_QUERY_EXCEPT)
        return *count > 0 ? ((*count)--, false) : true;
    if (tree->all)
        return *count > 0 && (*count)-- > 0;
    bool first = *count > 0 && *count != gone;
    *count = first ? gone : *count;
    return first;
}

/* A row that is not in the range was decided on, or will be. */
static qn_code mark_rows(struct qn_set_marks *marks, const struct qn_batch *batch,
                         struct qn_err *err)
{
    for (uint32_t row = 0; row < batch->n_rows; row++, marks->at++) {
        uint64_t *count, bit = UINT64_C(1) << (marks->at % 64);
        QN_TRY(qn_row_set_find(&marks->counts, batch, row, &count, err));
        if (!make_room(marks))
            return qn_err_nomem(err, "rows of a set operation");
        uint64_t *word = &marks->bits[marks->at / 64];
        if (count)
            *word = passes(marks->tree, count) ? *word | bit : *word & ~bit;
    }
    return QN_OK;
}

qn_code qn_set_marks_first(struct qn_set_marks *marks, const struct qn_batch *batch,
                           struct qn_err *err)
{
    if (marks->tree->op == QN_QUERY_UNION)
        return mark_rows(marks, batch, err);
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        uint64_t *count;
        QN_TRY(qn_row_set_find(&marks->counts, batch, row, &count, err));
        if (count)
            ++*count;
    }
    return QN_OK;
}

qn_code qn_set_marks_second(struct qn_set_marks *marks, const struct qn_batch *batch,
                            struct qn_err *err)
{
    return mark_rows(marks, batch, err);
}

bool qn_set_marks_again(struct qn_set_marks *marks)
{
    marks->at = 0;
    if (qn_row_set_next(&marks->counts))
        return true;
    qn_row_set_fini(&marks->counts);
    return false;
}

/* --- taking ---------------------------------------------------------------------------------- */

uint32_t qn_set_marks_take(struct qn_set_marks *marks, const struct qn_batch *batch, uint32_t *rows)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++, marks->at++)
        if (marks->bits[marks->at / 64] >> (marks->at % 64) & 1)
            rows[n++] = row;
    return n;
}
