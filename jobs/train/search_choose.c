/* Rungs of a search on the coordinator: which candidates go on, which is chosen, what is told. */
#include <stdlib.h>

#include "jobs/train/search.h"
#include "jobs/train/train.h"

bool qn_search_is_rung(const struct qn_search *search, uint32_t stage, uint32_t *rung)
{
    if (!search || stage < search->first_rung || stage - search->first_rung >= search->n_rungs)
        return false;
    *rung = stage - search->first_rung;
    return true;
}

/* --- the state of a rung --------------------------------------------------------------------- */

qn_code qn_rung_result_read(const struct qn_search *search, uint32_t rung, struct qn_strv state,
                            struct qn_arena *arena, struct qn_rung_result *out, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(state);
    uint32_t n = search->rungs[rung].n_candidates;
    uint32_t *candidates = QN_NEW_ARRAY(arena, uint32_t, n);
    double *values = QN_NEW_ARRAY(arena, double, (size_t)n * search->folds);
    double *means = QN_NEW_ARRAY(arena, double, n);
    bool *kept = QN_NEW_ARRAY(arena, bool, n);
    if (!candidates || !values || !means || !kept)
        return qn_err_nomem(err, "a search");
    for (uint32_t i = 0; i < n; i++) {
        candidates[i] = qn_unpack_u32(&in);
        in.failed |= candidates[i] >= search->n_candidates;
        kept[i] = qn_unpack_u8(&in) != 0;
        means[i] = qn_unpack_f64(&in);
        for (uint32_t f = 0; f < search->folds; f++)
            values[i * search->folds + f] = qn_unpack_f64(&in);
    }
    *out = (struct qn_rung_result){n, candidates, values, means, kept};
    return qn_unpack_end(&in, "a search", err);
}

qn_code qn_search_candidate_at(const struct qn_search *search, uint32_t rung, uint32_t at,
                               const struct qn_strv *states, uint32_t *out, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_rung_result result;
    uint32_t place = 0;
    *out = at;
    if (rung == 0)
        return QN_OK;
    qn_arena_init(&arena);
    struct qn_strv before = states[search->first_rung + rung - 1];
    qn_code code = qn_rung_result_read(search, rung - 1, before, &arena, &result, err);
    bool found = false;
    for (uint32_t i = 0; code == QN_OK && i < result.n && !found; i++) {
        found = result.kept[i] && place++ == at;
        *out = result.candidates[i];
    }
    if (code == QN_OK && !found)
        code = qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "the search kept too few candidates");
    qn_arena_fini(&arena);
    return code;
}

/* --- choosing -------------------------------------------------------------------------------- */

struct ranked {
    uint32_t candidate;
    double mean;
    const double *values; /* folds */
    bool smaller, kept;
};

static int by_candidate(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

/* Best first; the earlier candidate where two are alike. */
static int by_mean(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->mean != y->mean)
        return (x->mean < y->mean) == x->smaller ? -1 : 1;
    return by_candidate(a, b);
}

static qn_code rank(const struct qn_search *search, uint32_t rung, const struct qn_strv *states,
                    const double *values, struct ranked *out, struct qn_err *err)
{
    uint32_t n = search->rungs[rung].n_candidates;
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (struct ranked){.values = values + (size_t)i * search->folds,
                                 .smaller = search->smaller};
        for (uint32_t f = 0; f < search->folds; f++)
            out[i].mean += out[i].values[f];
        out[i].mean /= search->folds;
        QN_TRY(qn_search_candidate_at(search, rung, i, states, &out[i].candidate, err));
    }
    uint32_t keep = rung + 1 < search->n_rungs ? search->rungs[rung + 1].n_candidates : 1;
    qsort(out, n, sizeof *out, by_mean);
    for (uint32_t i = 0; i < keep; i++)
        out[i].kept = true;
    qsort(out, n, sizeof *out, by_candidate);
    return QN_OK;
}

qn_code qn_rung_result_pack(const struct qn_search *search, uint32_t rung,
                            const struct qn_strv *states, struct qn_strv bytes, struct qn_buf *out,
                            struct qn_err *err)
{
    uint32_t n = search->rungs[rung].n_candidates;
    size_t n_values = (size_t)n * search->folds;
    struct qn_unpack in = qn_unpack_from(bytes);
    double *values = calloc(n_values, sizeof *values);
    struct ranked *ranked = calloc(n, sizeof *ranked);
    for (size_t i = 0; values && i < n_values; i++)
        values[i] = qn_unpack_f64(&in);
    qn_code code = values && ranked ? qn_unpack_end(&in, "metrics of a search", err)
                                    : qn_err_nomem(err, "a search");
    if (code == QN_OK)
        code = rank(search, rung, states, values, ranked, err);
    for (uint32_t i = 0; code == QN_OK && i < n; i++) {
        qn_buf_put_u32(out, ranked[i].candidate);
        qn_buf_put_u8(out, ranked[i].kept);
        qn_buf_put_f64(out, ranked[i].mean);
        for (uint32_t f = 0; f < search->folds; f++)
            qn_buf_put_f64(out, ranked[i].values[f]);
    }
    free(values);
    free(ranked);
    return code == QN_OK ? qn_buf_check(out, "a search", err) : code;
}

qn_code qn_search_chosen(const struct qn_search *search, const struct qn_strv *states,
                         const struct qn_candidate **out, struct qn_err *err)
{
    uint32_t chosen;
    QN_TRY(qn_search_candidate_at(search, search->n_rungs, 0, states, &chosen, err));
    *out = &search->candidates[chosen];
    return QN_OK;
}

qn_code qn_train_plan(const struct qn_train *train, const struct qn_strv *states, const void **plan,
                      struct qn_err *err)
{
    const struct qn_candidate *chosen;
    *plan = train->plan;
    if (!train->search)
        return QN_OK;
    QN_TRY(qn_search_chosen(train->search, states, &chosen, err));
    *plan = chosen->plan;
    return QN_OK;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void report_fits(const struct qn_search *search, uint32_t rung,
                        const struct qn_rung_result *result, struct qn_findings *findings)
{
    bool last = rung + 1 == search->n_rungs;
    for (uint32_t i = 0; i < result->n; i++)
        for (uint32_t f = 0; f <= search->folds; f++)
            findings->candidates[findings->n_candidates++] = (struct qn_candidate_finding){
                .candidate = result->candidates[i] + 1,
                .params = search->candidates[result->candidates[i]].json,
                .fold = f, /* 0: the mean */
                .share = search->rungs[rung].share,
                .metric = search->metric,
                .value = f ? result->values[(size_t)i * search->folds + f - 1] : result->means[i],
                .chosen = last && result->kept[i]};
}

qn_code qn_search_report(const struct qn_search *search, const struct qn_strv *states,
                         struct qn_findings *findings, struct qn_err *err)
{
    size_t n = 0;
    for (uint32_t rung = 0; rung < search->n_rungs; rung++)
        n += (size_t)search->rungs[rung].n_candidates * (search->folds + 1);
    findings->candidates = QN_NEW_ARRAY(findings->arena, struct qn_candidate_finding, n);
    if (!findings->candidates)
        return qn_err_nomem(err, "findings");
    for (uint32_t rung = 0; rung < search->n_rungs; rung++) {
        struct qn_rung_result result;
        QN_TRY(qn_rung_result_read(search, rung, states[search->first_rung + rung], findings->arena,
                                   &result, err));
        report_fits(search, rung, &result, findings);
    }
    return QN_OK;
}
