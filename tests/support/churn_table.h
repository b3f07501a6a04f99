/* A small table to train on: every kind of feature, gaps, and a label that depends on them. Made by
 * hash, so any row can be made alone. */
#ifndef QN_TESTS_SUPPORT_CHURN_TABLE_H
#define QN_TESTS_SUPPORT_CHURN_TABLE_H

#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "flow/batch.h"
#include "tests/support/test.h"

enum { T_ID, T_SPEND, T_VISITS, T_VIP, T_PLAN, T_LEFT, T_COPY, T_SINCE, T_N };

static const struct qn_field churn_fields[T_N] = {
    {"id", {.id = QN_TEXT}},
    {"spend", {.id = QN_DOUBLE}},
    {"visits", {.id = QN_INT64}},
    {"vip", {.id = QN_BOOL}},
    {"plan", {.id = QN_TEXT}},
    {"left", {.id = QN_BOOL}},
    {"copy", {.id = QN_DECIMAL, .precision = 10, .scale = 2}}, /* 2 x visits + 1 */
    {"since", {.id = QN_DATE}},
};
static const struct qn_schema churn_schema = {churn_fields, T_N};

static inline double churn_draw(uint32_t row, uint32_t what)
{
    return (double)(qn_mix64(((uint64_t)row << 8) + what + 99) >> 11) * 0x1p-53;
}

/* The caller frees the builder; the batch borrows from it. */
static inline struct qn_batch_builder *churn_table(uint32_t n, struct qn_batch *out)
{
    static const char *const plans[] = {"basic", "free", "pro"};
    struct qn_batch_builder *builder = NULL;
    struct qn_err err = {0};
    assert_ok(qn_builder_new(&churn_schema, &builder, &err), &err);
    for (uint32_t row = 0; row < n; row++) {
        char id[16];
        int length = snprintf(id, sizeof id, "c%05u", row);
        double spend = 100 * churn_draw(row, 1);
        int64_t visits = (int64_t)(30 * churn_draw(row, 2));
        uint32_t plan = (uint32_t)(3 * churn_draw(row, 3));
        bool vip = churn_draw(row, 4) < 0.3;
        double eta = spend / 40 - (double)visits / 10 + (plan == 1) - vip;
        qn_builder_text(builder, T_ID, (struct qn_strv){id, (size_t)length});
        if (churn_draw(row, 5) > 0.1)
            qn_builder_f64(builder, T_SPEND, spend);
        qn_builder_i64(builder, T_VISITS, visits);
        qn_builder_bool(builder, T_VIP, vip);
        if (churn_draw(row, 6) > 0.05)
            qn_builder_text(builder, T_PLAN, qn_strv_from(plans[plan]));
        if (churn_draw(row, 7) > 0.02)
            qn_builder_bool(builder, T_LEFT, churn_draw(row, 8) < 1 / (1 + exp(-eta)));
        qn_builder_i64(builder, T_COPY, (2 * visits + 1) * 100);
        qn_builder_i64(builder, T_SINCE, 19000 + row);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, out);
    return builder;
}

#endif
