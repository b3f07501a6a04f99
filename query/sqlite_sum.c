#include "query/sqlite_sum.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/sum.h"
#include "flow/value.h"
#include "jobs/etl/number.h"

/* --- which --------------------------------------------------------------------------------- */

enum kind { INTEGERS, DECIMALS, DOUBLES };

/* One function: of decimals there is one a scale, for the average to be divided by. */
struct function {
    bool average;
    enum kind kind;
    uint8_t scale;
};

/* As SQLite keeps it beside the function. */
static void *pack(const struct function *function)
{
    return (void *)(uintptr_t)((unsigned)function->scale << 3 | (unsigned)function->kind << 1 |
                               function->average);
}

static struct function function_of(sqlite3_context *context)
{
    uintptr_t bits = (uintptr_t)sqlite3_user_data(context);
    return (struct function){bits & 1, (enum kind)(bits >> 1 & 3), (uint8_t)(bits >> 3)};
}

static const char *put_name(const struct function *function, char out[QN_SQLITE_SUM_NAME])
{
    const char *verb = function->average ? "avg" : "sum";
    if (function->kind == DECIMALS)
        snprintf(out, QN_SQLITE_SUM_NAME, "%s_d%u", verb, function->scale);
    else
        snprintf(out, QN_SQLITE_SUM_NAME, "%s_%c", verb, function->kind == DOUBLES ? 'r' : 'i');
    return out;
}

const char *qn_sqlite_sum_name(bool average, struct qn_type type, char out[QN_SQLITE_SUM_NAME])
{
    const struct function function = {average,
                                      type.id == QN_DECIMAL  ? DECIMALS
                                      : type.id == QN_DOUBLE ? DOUBLES
                                                             : INTEGERS,
                                      type.id == QN_DECIMAL ? type.scale : 0};
    return put_name(&function, out);
}

/* --- state --------------------------------------------------------------------------------- */

/* Of the rows of a group, or of those in a frame. Infinities are counted, for they leave again. */
struct state {
    int64_t n, infinite, negative;
    uint64_t low, high; /* the sum of integers */
    struct qn_sum real; /* of doubles */
    struct qn_arena arena;
    bool begun, failed;
};

static struct state *state_of(sqlite3_context *context)
{
    struct state *state = sqlite3_aggregate_context(context, sizeof *state);
    if (!state) {
        sqlite3_result_error_nomem(context);
    } else if (!state->begun) {
        qn_arena_init(&state->arena);
        state->begun = true;
    }
    return state;
}

static void add_integer(struct state *state, qn_i128 value)
{
    qn_u128 sum = ((qn_u128)state->high << 64 | state->low) + (qn_u128)value;
    state->low = (uint64_t)sum;
    state->high = (uint64_t)(sum >> 64);
}

static void add_real(struct state *state, double value, int64_t times)
{
    if (isinf(value)) {
        state->infinite += times;
        state->negative += value < 0 ? times : 0;
    } else if (qn_sum_add(&state->real, times < 0 ? -value : value, &state->arena, NULL) != QN_OK) {
        state->failed = true;
    }
}

/* Once more, or once less (-1). */
static void count_value(sqlite3_context *context, sqlite3_value *value, int64_t times)
{
    struct state *state = state_of(context);
    if (!state || sqlite3_value_type(value) == SQLITE_NULL)
        return;
    state->n += times;
    if (function_of(context).kind == DOUBLES)
        add_real(state, sqlite3_value_double(value), times);
    else
        add_integer(state, (qn_i128)sqlite3_value_int64(value) * times);
}

static void add_row(sqlite3_context *context, int n, sqlite3_value **args)
{
    (void)n;
    count_value(context, args[0], 1);
}

static void take_row(sqlite3_context *context, int n, sqlite3_value **args)
{
    (void)n;
    count_value(context, args[0], -1);
}

/* --- results ------------------------------------------------------------------------------- */

static double round_real(const struct state *state)
{
    if (state->infinite == 0)
        return qn_sum_round(&state->real);
    return state->negative == 0                 ? HUGE_VAL
           : state->negative == state->infinite ? -HUGE_VAL
                                                : (double)NAN; /* NULL to SQLite */
}

static void give_exact(sqlite3_context *context, const struct function *function,
                       const struct state *state)
{
    qn_i128 sum = (qn_i128)((qn_u128)state->high << 64 | state->low);
    qn_i128 most =
        function->kind == DECIMALS ? (qn_i128)qn_pow10(QN_DECIMAL_MAX_PRECISION) - 1 : INT64_MAX;
    if (function->average)
        sqlite3_result_double(context,
                              qn_ratio_f64(sum, (qn_i128)state->n * qn_pow10(function->scale)));
    else if (sum > most || sum < -most)
        sqlite3_result_error(context, "a sum does not fit its type", -1);
    else
        sqlite3_result_int64(context, (sqlite3_int64)sum);
}

static void give(sqlite3_context *context, const struct state *state)
{
    const struct function function = function_of(context);
    if (!state || state->n == 0)
        sqlite3_result_null(context);
    else if (state->failed)
        sqlite3_result_error_nomem(context);
    else if (function.kind == DOUBLES)
        sqlite3_result_double(context, function.average ? round_real(state) / (double)state->n
                                                        : round_real(state));
    else
        give_exact(context, &function, state);
}

static void give_frame(sqlite3_context *context)
{
    give(context, sqlite3_aggregate_context(context, 0));
}

static void give_group(sqlite3_context *context)
{
    struct state *state = sqlite3_aggregate_context(context, 0);
    give(context, state);
    if (state && state->begun)
        qn_arena_fini(&state->arena);
}

/* --- all of them --------------------------------------------------------------------------- */

static int add_function(sqlite3 *db, const struct function *function)
{
    char name[QN_SQLITE_SUM_NAME];
    return sqlite3_create_window_function(db, put_name(function, name), 1,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC, pack(function),
                                          add_row, give_group, give_frame, take_row, NULL);
}

int qn_sqlite_sum_register(sqlite3 *db)
{
    int rc = SQLITE_OK;
    for (int average = 0; average < 2; average++) {
        for (enum kind kind = INTEGERS; kind <= DOUBLES && rc == SQLITE_OK; kind++) {
            uint8_t scales = kind == DECIMALS ? QN_DECIMAL_MAX_PRECISION : 0;
            for (uint8_t scale = 0; scale <= scales && rc == SQLITE_OK; scale++)
                rc = add_function(db, &(struct function){average, kind, scale});
        }
    }
    return rc;
}
