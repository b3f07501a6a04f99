#include "coordinator/job_rounds.h"

#include "base/log.h"

/* After leads that came to nothing, rounds are run unit by unit: twice as many each time, up to
 * 2^this. */
enum { MOST_DOUBLINGS = 10 };

/* --- states ---------------------------------------------------------------------------------- */

/* What a round gave becomes part of the stage's state. Of a round what is new is on disk before
 * anybody hears of it. */
static qn_code take_round(struct qn_job_run *run, const struct qn_round *round,
                          enum qn_round_kind kind, struct qn_err *err)
{
    struct qn_buf *state = &run->states[run->stage];
    QN_TRY(qn_round_apply(round, state, err));
    const struct qn_round_record record = {run->round, kind, round->kept, round->bytes};
    return run->log ? qn_round_log_put(run->log, &record, qn_buf_strv(state), err) : QN_OK;
}

/* Of the round under way: the next one's state has the kept bytes in common with this one's. */
static qn_code take_state(struct qn_job_run *run, enum qn_verdict verdict, enum qn_round_kind kind,
                          struct qn_strv given, struct qn_err *err)
{
    const struct qn_round round = qn_round_of(qn_buf_strv(&run->states[run->stage]), given,
                                              qn_job_run_stage(run)->appends, verdict);
    run->kept = (struct qn_kept_state){run->round, round.kept};
    return take_round(run, &round, kind, err);
}

static enum qn_round_kind kind_of(enum qn_verdict verdict)
{
    return qn_verdict_repeats(verdict) ? QN_ROUND_REPEAT : QN_ROUND_LAST;
}

qn_code qn_job_rounds_take(struct qn_job_run *run, struct qn_strv given, enum qn_verdict verdict,
                           struct qn_err *err)
{
    QN_TRY(take_state(run, verdict, kind_of(verdict), given, err));
    run->lead.settled = qn_verdict_settles(verdict);
    run->round += qn_verdict_repeats(verdict);
    return QN_OK;
}

/* --- what an earlier life left --------------------------------------------------------------- */

/* What the rounds of a stage build on. */
static uint64_t key_of_rounds(const struct qn_job_run *run)
{
    uint64_t key = qn_mix64((uint64_t)run->n_chunks << 32 | run->stage);
    for (uint32_t i = 0; i < run->stage; i++)
        key = qn_hash64(run->states[i].data, run->states[i].len, key);
    return key;
}

/* A log that begins later than it should, or leaves a round out, is of no use from there on. */
static bool follows(const struct qn_job_run *run, const struct qn_round_record *record, bool first)
{
    return (record->round == run->round || (first && record->kept == 0)) &&
           record->kept <= run->states[run->stage].len;
}

static qn_code take_records(struct qn_job_run *run, bool *over, struct qn_err *err)
{
    struct qn_round_record record;
    qn_code code;
    for (bool first = true; (code = qn_round_log_next(run->log, &record, err)) == QN_OK;
         first = false) {
        if (!follows(run, &record, first) || *over)
            return qn_err_set(
                err, QN_ESTATE, QN_BLAME_COORDINATOR,
                "the log of rounds of job %s goes from round %u to %u: start over with "
                "--full-refresh",
                run->job->name, run->round, record.round);
        const struct qn_round round = {.kept = record.kept, .bytes = record.bytes};
        QN_TRY(qn_round_apply(&round, &run->states[run->stage], err));
        run->round = record.round + (record.kind == QN_ROUND_REPEAT);
        *over = record.kind == QN_ROUND_LAST;
    }
    return code == QN_ENOTFOUND ? QN_OK : code;
}

/* What the accumulator of earlier rounds held is gone with the process that had it. */
static qn_code resume_rounds(struct qn_job_run *run, struct qn_err *err)
{
    struct qn_strv states[QN_MAX_STAGES];
    struct qn_buf state;
    if (!run->job->ops->resume)
        return QN_OK;
    qn_buf_init(&state);
    qn_job_run_states(run, states);
    qn_code code = run->job->ops->resume(run->job, run->stage, run->round, states, &state, err);
    if (code == QN_OK)
        code = qn_buf_check(&state, "a stage's state", err);
    if (code == QN_OK && state.len)
        code = take_state(run, QN_VERDICT_REPEAT, QN_ROUND_RESUMED, qn_buf_strv(&state), err);
    qn_buf_fini(&state);
    return code;
}

qn_code qn_job_rounds_recall(struct qn_job_run *run, const char *folder, bool *over,
                             struct qn_err *err)
{
    const char *path =
        qn_arena_printf(&run->arena, "%s/%u-%u.rounds", folder, run->job->index, run->stage);
    *over = false;
    if (!path)
        return qn_err_nomem(err, "a path");
    QN_TRY(qn_round_log_open(path, key_of_rounds(run), &run->log, err));
    QN_TRY(take_records(run, over, err));
    if (run->round == 0 || *over)
        return QN_OK;
    qn_log_debug("job %s goes on at round %u of stage %s", run->job->name, run->round,
                 qn_job_run_stage(run)->name);
    return resume_rounds(run, err);
}

/* --- rounds that are led --------------------------------------------------------------------- */

bool qn_job_rounds_begin_lead(struct qn_job_run *run)
{
    struct qn_job_lead *lead = &run->lead;
    if (!lead->settled)
        return false;
    if (lead->rests) {
        lead->rests--;
        return false;
    }
    lead->under_way = true;
    lead->verdict = QN_VERDICT_REPEAT;
    lead->n_rounds = 0;
    return true;
}

/* Nothing is taken in unless all of it can be read. */
static qn_code check_rounds(struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    struct qn_round round = {.verdict = QN_VERDICT_ANEW};
    while (in.at < in.end && !in.failed) {
        in.failed = round.verdict == QN_VERDICT_NEXT; /* none is behind the last */
        if (!in.failed)
            qn_round_unpack(&in, &round);
    }
    in.failed |= !qn_verdict_settles(round.verdict);
    return qn_unpack_end(&in, "rounds", err);
}

static qn_code take_led(struct qn_job_run *run, struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    struct qn_job_lead *lead = &run->lead;
    struct qn_kept_state kept = {run->round, run->states[run->stage].len};
    while (in.at < in.end) {
        struct qn_round round;
        qn_round_unpack(&in, &round);
        kept.bytes = round.kept < kept.bytes ? round.kept : kept.bytes;
        QN_TRY(take_round(run, &round, kind_of(round.verdict), err));
        run->round += qn_verdict_repeats(round.verdict);
        lead->verdict = round.verdict;
        lead->n_rounds++;
    }
    if (lead->n_rounds)
        run->kept = kept;
    return QN_OK;
}

static qn_code take_rounds(void *context, struct qn_strv bytes, struct qn_err *err)
{
    QN_TRY(check_rounds(bytes, err));
    return take_led(context, bytes, err);
}

/* Not in the sums of this process: what the accumulator holds is of an earlier round. */
qn_code qn_job_rounds_absorb(struct qn_job_run *run, const struct qn_spooled *part,
                             struct qn_err *err)
{
    qn_code code = qn_spooled_partial(part, take_rounds, run, err);
    if (run->lead.n_rounds)
        qn_job_run_drop_acc(run);
    return code;
}

enum qn_verdict qn_job_rounds_end_lead(struct qn_job_run *run)
{
    struct qn_job_lead *lead = &run->lead;
    lead->under_way = false;
    run->times[run->stage].rounds += lead->n_rounds - 1; /* one was counted when it began */
    lead->rests = lead->n_rounds ? 0 : 1u << lead->n_vain;
    lead->n_vain = lead->n_rounds                  ? 0
                   : lead->n_vain < MOST_DOUBLINGS ? lead->n_vain + 1
                                                   : MOST_DOUBLINGS;
    return lead->verdict;
}
