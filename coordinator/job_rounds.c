#include "coordinator/job_rounds.h"

#include "base/log.h"
#include "coordinator/sum_log.h"

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
    if (run->sums && run->lead.settled)
        qn_sum_log_restart(run->sums);
    run->round += qn_verdict_repeats(verdict);
    return QN_OK;
}

/* --- sums ------------------------------------------------------------------------------------ */

qn_code qn_job_rounds_keep(struct qn_job_run *run, const struct qn_token *token,
                           const struct qn_spooled *part, struct qn_hash128 digest,
                           struct qn_err *err)
{
    struct qn_buf room;
    struct qn_strv bytes;
    if (!run->sums || token->stage != run->stage || token->round != run->round ||
        token->unit >= qn_job_run_units(run, run->stage))
        return QN_OK; /* the last: a lead, which is taken in at once */
    qn_buf_init(&room);
    qn_code code = qn_spooled_read(part, &room, &bytes, err);
    if (code == QN_OK)
        code = qn_sum_log_put(run->sums, run->round, token->unit, bytes, digest, err);
    qn_buf_fini(&room);
    return code == QN_ELOST ? QN_OK : code; /* whoever merges it finds out */
}

bool qn_job_rounds_knows(const struct qn_job_run *run, uint32_t unit)
{
    return run->sums && qn_sum_log_has(run->sums, run->round, unit);
}

qn_code qn_job_rounds_catch_up(struct qn_job_run *run, uint32_t unit, struct qn_err *err)
{
    struct qn_buf part;
    qn_code code = QN_OK;
    qn_buf_init(&part);
    for (; code == QN_OK && run->n_committed < unit; run->n_committed++) {
        qn_buf_clear(&part);
        code = qn_sum_log_get(run->sums, run->round, run->n_committed, &part, err);
        const struct qn_spooled spooled = {.bytes = qn_buf_strv(&part)};
        if (code == QN_OK)
            code = qn_job_run_merge(run, &spooled, err);
    }
    qn_buf_fini(&part);
    return code;
}

/* Merges and ends the round under way once more, for what it leaves in the accumulator. */
static qn_code relive(struct qn_job_run *run, struct qn_err *err)
{
    struct qn_findings findings = {.arena = &run->arena};
    struct qn_strv states[QN_MAX_STAGES];
    struct qn_buf given;
    enum qn_verdict verdict = QN_VERDICT_REPEAT;
    run->n_committed = 0;
    QN_TRY(qn_job_rounds_catch_up(run, qn_job_run_units(run, run->stage), err));
    run->n_committed = 0;
    qn_buf_init(&given);
    qn_job_run_states(run, states);
    qn_code code = run->job->ops->finish(run->job, run->stage, run->round, &run->acc, states,
                                         &given, &findings, &verdict, err);
    qn_buf_fini(&given);
    run->lead.settled = qn_verdict_settles(verdict);
    return code;
}

/* Whether the log has all units of the round under way. */
static bool has_all(const struct qn_job_run *run)
{
    uint32_t unit = 0, n = qn_job_run_units(run, run->stage);
    while (unit < n && qn_job_rounds_knows(run, unit))
        unit++;
    return unit == n;
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

/* Of rounds that the log of sums has, from its first on without a gap, the accumulator is made
 * again; *next is the round that would be the next of them. */
static qn_code take_record(struct qn_job_run *run, const struct qn_round_record *record,
                           uint32_t *next, struct qn_err *err)
{
    const struct qn_round round = {.kept = record->kept, .bytes = record->bytes};
    run->lead.settled = false;
    if (record->round == run->round && run->round == *next && record->kind == QN_ROUND_REPEAT &&
        has_all(run)) {
        QN_TRY(relive(run, err));
        ++*next;
    }
    QN_TRY(qn_round_apply(&round, &run->states[run->stage], err));
    run->round = record->round + (record->kind == QN_ROUND_REPEAT);
    return QN_OK;
}

static qn_code take_records(struct qn_job_run *run, bool *over, struct qn_err *err)
{
    struct qn_round_record record;
    uint32_t next;
    qn_code code;
    bool any = qn_sum_log_first(run->sums, &next);
    for (bool first = true; (code = qn_round_log_next(run->log, &record, err)) == QN_OK;
         first = false) {
        if (!follows(run, &record, first) || *over)
            return qn_err_set(
                err, QN_ESTATE, QN_BLAME_COORDINATOR,
                "the log of rounds of job %s goes from round %u to %u: start over with "
                "--full-refresh",
                run->job->name, run->round, record.round);
        QN_TRY(take_record(run, &record, &next, err));
        *over = record.kind == QN_ROUND_LAST;
    }
    if (any && next != run->round) /* the accumulator is of no use, if there is one */
        qn_job_run_drop_acc(run);
    if (any && (run->lead.settled || next > run->round))
        qn_sum_log_restart(run->sums);
    return code == QN_ENOTFOUND ? QN_OK : code;
}

static qn_code open_logs(struct qn_job_run *run, const char *folder, struct qn_err *err)
{
    uint64_t key = key_of_rounds(run);
    const char *stage =
        qn_arena_printf(&run->arena, "%s/%u-%u", folder, run->job->index, run->stage);
    const char *rounds = stage ? qn_arena_printf(&run->arena, "%s.rounds", stage) : NULL;
    const char *sums = stage ? qn_arena_printf(&run->arena, "%s.sums", stage) : NULL;
    if (!rounds || !sums)
        return qn_err_nomem(err, "a path");
    QN_TRY(qn_round_log_open(rounds, key, &run->log, err));
    return qn_sum_log_open(sums, key, &run->sums, err);
}

qn_code qn_job_rounds_recall(struct qn_job_run *run, const char *folder, bool *over,
                             struct qn_err *err)
{
    *over = false;
    QN_TRY(open_logs(run, folder, err));
    QN_TRY(take_records(run, over, err));
    if (run->round && !*over)
        qn_log_debug("job %s goes on at round %u of stage %s", run->job->name, run->round,
                     qn_job_run_stage(run)->name);
    return QN_OK;
}

void qn_job_rounds_close(struct qn_job_run *run)
{
    qn_round_log_close(run->log);
    run->log = NULL;
    qn_sum_log_close(run->sums);
    run->sums = NULL;
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
    lead->first = run->round;
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
    if (lead->n_rounds)
        qn_log_debug("rounds %u to %u of job %s were led", lead->first,
                     lead->first + lead->n_rounds - 1, run->job->name);
    run->times[run->stage].rounds += lead->n_rounds - 1; /* one was counted when it began */
    lead->rests = lead->n_rounds ? 0 : 1u << lead->n_vain;
    lead->n_vain = lead->n_rounds                  ? 0
                   : lead->n_vain < MOST_DOUBLINGS ? lead->n_vain + 1
                                                   : MOST_DOUBLINGS;
    return lead->verdict;
}
