#include "jobs/train/evaluated.h"

void qn_train_evaluated_init(struct qn_train_evaluated *evaluated)
{
    *evaluated = (struct qn_train_evaluated){0};
    qn_arena_init(&evaluated->arena);
    qn_buf_init(&evaluated->champion.problem);
    qn_train_drift_init(&evaluated->drift);
}

void qn_train_evaluated_fini(struct qn_train_evaluated *evaluated)
{
    qn_train_drift_fini(&evaluated->drift);
    qn_train_champion_fini(&evaluated->champion);
    qn_arena_fini(&evaluated->arena);
}

/* --- tasks ------------------------------------------------------------------------------------ */

static qn_code read_bins(struct qn_train_evaluated *evaluated, const struct qn_train_walk *walk,
                         struct qn_err *err)
{
    struct qn_train_census census;
    struct qn_strv baseline, prepared;
    QN_TRY(qn_train_state_unpack(walk->in->states[walk->train->prepare_stage], &census, &baseline,
                                 &prepared, err));
    struct qn_unpack in = qn_unpack_from(baseline);
    QN_TRY(qn_baseline_unpack(&in, &evaluated->arena, &evaluated->baseline, err));
    return qn_unpack_end(&in, "a baseline", err);
}

qn_code qn_train_evaluated_start(struct qn_train_evaluated *evaluated, const struct qn_job *job,
                                 const struct qn_train_walk *walk, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    QN_TRY(read_bins(evaluated, walk, err));
    if (train->beside)
        QN_TRY(qn_train_champion_init(&evaluated->champion, walk, err));
    bool drifts = job->stages[train->evaluate_stage].fresh && walk->in->fresh;
    return drifts ? qn_train_drift_start(&evaluated->drift, walk, err) : QN_OK;
}

static qn_code make_room(struct qn_train_evaluated *evaluated, uint32_t n, struct qn_err *err)
{
    if (n <= evaluated->capacity)
        return QN_OK;
    evaluated->training = QN_NEW_ARRAY(&evaluated->arena, uint32_t, n);
    evaluated->capacity = evaluated->training ? n : 0;
    return evaluated->training ? QN_OK : qn_err_nomem(err, "a baseline");
}

qn_code qn_train_evaluated_add(struct qn_train_evaluated *evaluated,
                               const struct qn_train_walk *walk, struct qn_err *err)
{
    uint32_t n = 0;
    QN_TRY(make_room(evaluated, walk->n, err));
    for (uint32_t i = 0; i < walk->n; i++)
        if (walk->sides[i] == QN_SIDE_TRAIN)
            evaluated->training[n++] = walk->rows[i];
    QN_TRY(qn_baseline_count(&evaluated->baseline, walk->columns, evaluated->training, n,
                             evaluated->baseline.rows, err));
    return qn_train_drift_add(&evaluated->drift, walk, err);
}

/* --- bytes: three pieces, each with its length before it -------------------------------------- */

enum piece { CHAMPION, BASELINE, DRIFT, N_PIECES };

void qn_train_evaluated_pack(struct qn_buf *out, const struct qn_train_evaluated *evaluated)
{
    for (int i = 0; i < N_PIECES; i++) {
        struct qn_buf piece;
        qn_buf_init(&piece);
        switch ((enum piece)i) {
        case CHAMPION: qn_train_champion_pack(&piece, &evaluated->champion); break;
        case BASELINE: qn_baseline_pack(&piece, &evaluated->baseline); break;
        case DRIFT: qn_train_drift_pack(&piece, &evaluated->drift); break;
        case N_PIECES: break;
        }
        qn_buf_put_str(out, qn_buf_strv(&piece));
        out->failed |= piece.failed;
        qn_buf_fini(&piece);
    }
}

static qn_code merge_baseline(struct qn_train_evaluated *evaluated, struct qn_strv bytes,
                              struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    QN_TRY(qn_baseline_merge(&evaluated->baseline, &in, &evaluated->arena, err));
    return qn_unpack_end(&in, "a baseline", err);
}

static qn_code merge_drift(struct qn_train_evaluated *evaluated, struct qn_strv bytes,
                           struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    QN_TRY(qn_train_drift_merge(&evaluated->drift, &in, err));
    return qn_unpack_end(&in, "drift", err);
}

qn_code qn_train_evaluated_merge(struct qn_train_evaluated *evaluated, struct qn_strv bytes,
                                 struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    struct qn_strv champion = qn_unpack_str(&in), baseline = qn_unpack_str(&in);
    struct qn_strv drift = qn_unpack_str(&in);
    QN_TRY(qn_unpack_end(&in, "what was evaluated", err));
    QN_TRY(qn_train_champion_merge(&evaluated->champion, champion, err));
    QN_TRY(merge_baseline(evaluated, baseline, err));
    return merge_drift(evaluated, drift, err);
}
