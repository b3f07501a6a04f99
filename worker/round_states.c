#include "worker/round_states.h"

#include <stdlib.h>
#include <string.h>

/* A state past this is none. */
static const uint64_t MAX_STATE_BYTES = UINT64_C(1) << 30;
enum { LEAST_CAPACITY = 4096 };

struct qn_held_state {
    uint32_t users;
    size_t capacity;
    char bytes[];
};

struct qn_round_state {
    struct qn_round_state *next;
    uint32_t job, stage, round;
    uint64_t len, total; /* equal: the round can be read */
    struct qn_held_state *held;
};

void qn_held_state_release(struct qn_held_state *held)
{
    if (held && --held->users == 0)
        free(held);
}

static struct qn_round_state *find(const struct qn_round_states *states, uint32_t job)
{
    struct qn_round_state *state = states->first;
    while (state && state->job != job)
        state = state->next;
    return state;
}

/* Room for `total` bytes of which the first `kept` stay. Whoever reads the others keeps them. */
static qn_code make_room(struct qn_round_state *state, uint64_t kept, uint64_t total,
                         struct qn_err *err)
{
    size_t capacity = LEAST_CAPACITY;
    bool fits = state->held && total <= state->held->capacity;
    if (fits && (kept == state->len || state->held->users == 1))
        return QN_OK;
    while (capacity < total)
        capacity *= 2;
    struct qn_held_state *wider = malloc(sizeof *wider + capacity);
    if (!wider)
        return qn_err_nomem(err, "the state of a stage");
    *wider = (struct qn_held_state){.users = 1, .capacity = capacity};
    if (kept)
        memcpy(wider->bytes, state->held->bytes, kept);
    qn_held_state_release(state->held);
    state->held = wider;
    return QN_OK;
}

static qn_code add(struct qn_round_states *states, uint32_t job, struct qn_round_state **out,
                   struct qn_err *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_err_nomem(err, "the state of a stage");
    (*out)->job = job;
    (*out)->next = states->first;
    states->first = *out;
    return QN_OK;
}

qn_code qn_round_states_take(struct qn_round_states *states, const struct qn_msg *msg, bool *whole,
                             struct qn_err *err)
{
    struct qn_strv bytes = msg->state.bytes;
    struct qn_round_state *state = find(states, msg->state.job);
    if (!state)
        QN_TRY(add(states, msg->state.job, &state, err));
    uint64_t kept = msg->state.offset, total = msg->state.total;
    if (total > MAX_STATE_BYTES || kept > total || kept > state->len || bytes.len > total - kept ||
        (kept && msg->state.stage != state->stage))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a state's pieces do not fit");
    QN_TRY(make_room(state, kept, total, err));
    if (bytes.len)
        memcpy(state->held->bytes + kept, bytes.data, bytes.len);
    state->stage = msg->state.stage;
    state->round = msg->state.round;
    state->len = kept + bytes.len;
    state->total = total;
    *whole = state->len == state->total;
    return QN_OK;
}

qn_code qn_round_states_hold(const struct qn_round_states *states, const struct qn_token *token,
                             struct qn_held_state **held, struct qn_strv *bytes)
{
    const struct qn_round_state *state = find(states, token->job);
    *held = NULL;
    *bytes = (struct qn_strv){0};
    if (token->round == 0)
        return QN_OK;
    if (!state || state->stage < token->stage ||
        (state->stage == token->stage &&
         (state->round < token->round ||
          (state->round == token->round && state->len < state->total))))
        return QN_ENOTFOUND;
    if (state->stage != token->stage || state->round != token->round)
        return QN_ESTATE;
    state->held->users++;
    *held = state->held;
    *bytes = (struct qn_strv){state->held->bytes, state->len};
    return QN_OK;
}

void qn_round_states_free(struct qn_round_states *states)
{
    while (states->first) {
        struct qn_round_state *next = states->first->next;
        qn_held_state_release(states->first->held);
        free(states->first);
        states->first = next;
    }
}
