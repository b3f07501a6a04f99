#include "jobs/score/gaps.h"

#include <stdlib.h>

#include "base/limits.h"
#include "jobs/score/score.h"

/* --- a task's -------------------------------------------------------------------------------- */

qn_code qn_score_gaps_init(struct qn_score_gaps *gaps, const struct qn_scorer *scorer,
                           struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_model *model = scorer->model;
    *gaps = (struct qn_score_gaps){.n_features = model->n_features, .arena = arena};
    gaps->features = QN_NEW_ARRAY(arena, struct qn_score_gap, model->n_features);
    if (!gaps->features)
        return qn_err_nomem(err, "scores");
    for (uint32_t f = 0; f < model->n_features; f++)
        gaps->features[f] = (struct qn_score_gap){.feature = qn_strv_from(model->features[f].name),
                                                  .no_column = scorer->positions[f] < 0};
    return QN_OK;
}

static qn_code keep(struct qn_arena *arena, struct qn_strv *text, struct qn_err *err)
{
    *text = (struct qn_strv){qn_arena_strdup(arena, *text), text->len};
    return text->data ? QN_OK : qn_err_nomem(err, "scores");
}

qn_code qn_score_gaps_note(struct qn_score_gaps *gaps, struct qn_scorer *scorer, uint32_t n,
                           struct qn_err *err)
{
    gaps->rows += n;
    for (uint32_t f = 0; f < gaps->n_features; f++) {
        struct qn_score_gap *gap = &gaps->features[f];
        const struct qn_categories *categories = scorer->model->categories[f];
        if (!categories || categories->unknown == 0)
            continue;
        if (gap->unknown == 0) {
            gap->example = qn_buf_strv(&categories->example);
            QN_TRY(keep(gaps->arena, &gap->example, err));
        }
        gap->unknown += categories->unknown;
    }
    qn_scorer_forget(scorer);
    return QN_OK;
}

void qn_score_gaps_pack(struct qn_buf *out, const struct qn_score_gaps *gaps)
{
    qn_buf_put_u64(out, gaps->rows);
    qn_buf_put_u32(out, gaps->n_features);
    for (uint32_t f = 0; f < gaps->n_features; f++) {
        const struct qn_score_gap *gap = &gaps->features[f];
        qn_buf_put_str(out, gap->feature);
        qn_buf_put_u8(out, gap->no_column);
        qn_buf_put_u64(out, gap->unknown);
        qn_buf_put_str(out, gap->example);
    }
}

/* --- of all tasks ---------------------------------------------------------------------------- */

struct sum {
    struct qn_score_gaps gaps;
    struct qn_arena arena;
};

void qn_score_free_acc(void *acc)
{
    struct sum *sum = acc;
    if (sum)
        qn_arena_fini(&sum->arena);
    free(sum);
}

static qn_code sum_new(struct sum **out, uint32_t n_features, struct qn_err *err)
{
    struct sum *sum = *out = calloc(1, sizeof *sum);
    if (!sum)
        return qn_err_nomem(err, "merging");
    qn_arena_init(&sum->arena);
    sum->gaps.arena = &sum->arena;
    sum->gaps.n_features = n_features;
    sum->gaps.features = QN_NEW_ARRAY(&sum->arena, struct qn_score_gap, n_features);
    return sum->gaps.features ? QN_OK : qn_err_nomem(err, "merging");
}

static qn_code merge_gap(struct qn_score_gap *gap, struct qn_unpack *in, struct qn_arena *arena,
                         struct qn_err *err)
{
    struct qn_strv feature = qn_unpack_str(in);
    uint8_t no_column = qn_unpack_u8(in);
    uint64_t unknown = qn_unpack_u64(in);
    struct qn_strv example = qn_unpack_str(in);
    in->failed |= no_column > 1 || unknown > UINT32_MAX || example.len > QN_CATEGORY_EXAMPLE ||
                  (gap->feature.data && !qn_strv_eq(gap->feature, feature));
    if (in->failed)
        return QN_OK; /* the end tells */
    if (!gap->feature.data) {
        gap->feature = feature;
        QN_TRY(keep(arena, &gap->feature, err));
    }
    if (unknown && gap->unknown == 0) {
        gap->example = example;
        QN_TRY(keep(arena, &gap->example, err));
    }
    gap->no_column |= no_column == 1;
    gap->unknown += unknown;
    return QN_OK;
}

qn_code qn_score_merge(const struct qn_job *job, uint32_t stage, void **acc,
                       const struct qn_strv *states, struct qn_strv partial, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    uint64_t rows = qn_unpack_u64(&in);
    uint32_t n = qn_unpack_count(&in, 17);
    (void)job, (void)stage, (void)states;
    if (in.failed || n > QN_MAX_COLUMNS || rows > UINT32_MAX)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "counts of a score task are damaged");
    if (!*acc)
        QN_TRY(sum_new((struct sum **)acc, n, err));
    struct sum *sum = *acc;
    in.failed |= n != sum->gaps.n_features;
    sum->gaps.rows += rows;
    for (uint32_t f = 0; f < n && !in.failed; f++)
        QN_TRY(merge_gap(&sum->gaps.features[f], &in, &sum->arena, err));
    return qn_unpack_end(&in, "counts of a score task", err);
}

/* --- told ------------------------------------------------------------------------------------ */

static qn_code tell(const struct qn_score_gaps *gaps, const struct qn_score_gap *gap,
                    struct qn_findings *findings, struct qn_err *err)
{
    struct qn_test_finding *test = &findings->tests[findings->n_tests++];
    const char *name = qn_arena_strdup(findings->arena, gap->feature);
    *test = (struct qn_test_finding){
        .column = name,
        .test = gap->no_column ? "missing_column" : "unknown_category",
        .severity = "warn",
        .status = "warn",
        .failures = gap->no_column ? gaps->rows : gap->unknown,
        .rows = gaps->rows,
        .message = gap->no_column
                       ? qn_arena_printf(findings->arena,
                                         "the rows have no column '%s': it counts as missing in "
                                         "all of them",
                                         name)
                       : qn_arena_printf(findings->arena,
                                         "'%s' holds categories that the model does not know, the "
                                         "first of them '%.*s'",
                                         name, QN_STRV_ARG(gap->example))};
    return name && test->message ? QN_OK : qn_err_nomem(err, "findings");
}

qn_code qn_score_finish(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                        const struct qn_strv *states, struct qn_buf *state,
                        struct qn_findings *findings, enum qn_verdict *verdict, struct qn_err *err)
{
    const struct sum *sum = *acc;
    (void)job, (void)stage, (void)round, (void)states, (void)state;
    *verdict = QN_VERDICT_NEXT;
    if (!sum)
        return QN_OK;
    findings->tests = QN_NEW_ARRAY(findings->arena, struct qn_test_finding, sum->gaps.n_features);
    if (!findings->tests)
        return qn_err_nomem(err, "findings");
    for (uint32_t f = 0; f < sum->gaps.n_features; f++) {
        const struct qn_score_gap *gap = &sum->gaps.features[f];
        if (gap->no_column || gap->unknown)
            QN_TRY(tell(&sum->gaps, gap, findings, err));
    }
    return QN_OK;
}
