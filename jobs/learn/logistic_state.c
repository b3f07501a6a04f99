#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/logistic.h"

/* Up to here a Hessian is cheap to solve, and Newton's few rounds are the fewest. */
enum { NEWTON_COLUMNS = 300 };
/* From here on a sixteenth of the rows is a start worth its rounds. */
enum { SAMPLE_ROWS = 200000 };

static enum qn_logistic_phase first_phase(uint32_t n, uint64_t rows,
                                          const struct qn_logistic_params *params)
{
    if (n > NEWTON_COLUMNS && params->l1 == 0)
        return QN_LOGISTIC_DESCEND;
    return rows >= SAMPLE_ROWS ? QN_LOGISTIC_SAMPLE : QN_LOGISTIC_NEWTON;
}

static qn_code allocate(struct qn_logistic_state *state, uint32_t n, struct qn_err *err)
{
    *state = (struct qn_logistic_state){.n = n, .fraction = 1};
    state->at = calloc(n, sizeof(double));
    state->best = calloc(n, sizeof(double));
    state->step = calloc(n, sizeof(double));
    state->gradient = calloc(n, sizeof(double));
    state->covariance = calloc((size_t)n * n, sizeof(double));
    qn_code code = qn_lbfgs_init(&state->lbfgs, n, err);
    if (code == QN_OK && state->at && state->best && state->step && state->gradient &&
        state->covariance)
        return QN_OK;
    qn_logistic_state_fini(state);
    return qn_err_nomem(err, "a fit");
}

qn_code qn_logistic_state_init(struct qn_logistic_state *state, uint32_t n, const uint64_t rows[2],
                               const struct qn_logistic_params *params, struct qn_err *err)
{
    QN_TRY(allocate(state, n, err));
    state->all_rows = rows[0] + rows[1];
    state->phase = first_phase(n, state->all_rows, params);
    for (int label = 0; label < 2; label++) {
        bool known = params->balanced && rows[label];
        state->class_weights[label] =
            known ? (double)state->all_rows / (2 * (double)rows[label]) : 1;
    }
    state->class_weights[1] *= params->positive_weight;
    return QN_OK;
}

void qn_logistic_state_fini(struct qn_logistic_state *state)
{
    free(state->at);
    free(state->best);
    free(state->step);
    free(state->gradient);
    free(state->covariance);
    qn_lbfgs_fini(&state->lbfgs);
    *state = (struct qn_logistic_state){0};
}

void qn_logistic_state_pack(struct qn_buf *out, const struct qn_logistic_state *state)
{
    qn_buf_put_u32(out, state->n);
    qn_buf_put_u8(out, (uint8_t)state->phase);
    qn_buf_put_u32(out, state->rounds);
    qn_buf_put_u64(out, state->all_rows);
    for (int label = 0; label < 2; label++)
        qn_buf_put_f64(out, state->class_weights[label]);
    qn_buf_put_u8(out, state->begun);
    qn_buf_put_u32(out, state->steps);
    qn_buf_put_f64(out, state->objective);
    qn_buf_put_f64(out, state->loss);
    qn_buf_put_f64(out, state->fraction);
    for (uint32_t i = 0; i < state->n; i++) {
        qn_buf_put_f64(out, state->at[i]);
        qn_buf_put_f64(out, state->best[i]);
        qn_buf_put_f64(out, state->step[i]);
        qn_buf_put_f64(out, state->gradient[i]);
    }
    if (state->phase == QN_LOGISTIC_DESCEND)
        qn_lbfgs_pack(out, &state->lbfgs);
    qn_buf_put_u8(out, state->has_covariance);
    for (uint32_t i = 0; state->has_covariance && i < state->n; i++)
        for (uint32_t j = 0; j <= i; j++)
            qn_buf_put_f64(out, state->covariance[(size_t)i * state->n + j]);
}

static double take_finite(struct qn_unpack *in)
{
    double value = qn_unpack_f64(in);
    in->failed |= !isfinite(value);
    return value;
}

qn_code qn_logistic_state_unpack(struct qn_strv bytes, uint32_t n, struct qn_logistic_state *state,
                                 struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    qn_logistic_state_fini(state);
    QN_TRY(allocate(state, n, err));
    in.failed |= qn_unpack_u32(&in) != n;
    uint8_t phase = qn_unpack_u8(&in);
    in.failed |= phase > QN_LOGISTIC_DONE;
    state->phase = (enum qn_logistic_phase)phase;
    state->rounds = qn_unpack_u32(&in);
    state->all_rows = qn_unpack_u64(&in);
    for (int label = 0; label < 2; label++)
        state->class_weights[label] = take_finite(&in);
    uint8_t begun = qn_unpack_u8(&in);
    in.failed |= begun > 1;
    state->begun = begun == 1;
    state->steps = qn_unpack_u32(&in);
    state->objective = take_finite(&in);
    state->loss = take_finite(&in);
    state->fraction = take_finite(&in);
    for (uint32_t i = 0; i < n && !in.failed; i++) {
        state->at[i] = take_finite(&in);
        state->best[i] = take_finite(&in);
        state->step[i] = take_finite(&in);
        state->gradient[i] = take_finite(&in);
    }
    if (state->phase == QN_LOGISTIC_DESCEND)
        qn_lbfgs_unpack(&in, &state->lbfgs);
    uint8_t has_covariance = qn_unpack_u8(&in);
    in.failed |= has_covariance > 1;
    state->has_covariance = has_covariance == 1;
    for (uint32_t i = 0; state->has_covariance && i < n && !in.failed; i++)
        for (uint32_t j = 0; j <= i; j++)
            state->covariance[(size_t)i * n + j] = take_finite(&in);
    return qn_unpack_end(&in, "state of a fit", err);
}
