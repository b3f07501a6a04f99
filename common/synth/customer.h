/* customer: the person behind a customer number, the same in every table of a seed.
 *
 * Whether a customer churns is drawn from a logistic model:
 *
 *     logit P(churn) = -2.05
 *         + 1.50 [plan is monthly] - 1.00 [plan is two_years]
 *         - 0.035 tenure_months + 0.014 (monthly_charge - 65) + 0.40 support_calls
 *         + 0.45 [pays by electronic_check] + 0.25 [paperless] + 0.30 [age >= 65] - 0.03 discount
 *         + 0.70 discontent
 *
 * where discontent (mean 0, variance 1) is in no column of the customer table: it shows in the
 * events, as complaints and as less use. A model that fits the columns well has a ROC-AUC between
 * 0.80 and 0.85; features made from the events add to it. About a quarter of customers churn. */
#ifndef QN_SYNTH_CUSTOMER_H
#define QN_SYNTH_CUSTOMER_H

#include <stdbool.h>
#include <stdint.h>

enum qn_plan { QN_PLAN_MONTHLY, QN_PLAN_ONE_YEAR, QN_PLAN_TWO_YEARS };
enum qn_payment { QN_PAY_ELECTRONIC_CHECK, QN_PAY_MAILED_CHECK, QN_PAY_TRANSFER, QN_PAY_CARD };

struct qn_customer {
    uint32_t age, region; /* region: 0..4 */
    enum qn_plan plan;
    enum qn_payment payment;
    uint32_t tenure_months;        /* 0..72 */
    uint32_t monthly_charge_cents; /* 1800..11999 */
    uint32_t support_calls;        /* 0..9 */
    uint32_t discount;             /* percent: 0, 5, 10, 15 */
    bool paperless;
    double discontent;
    double logit; /* without the discontent: what the columns can tell */
    bool churned;
};

/* `number` counts from 1. */
struct qn_customer qn_customer_make(uint64_t seed, uint64_t number);

/* How complaining and inactive a customer is, without the rest of it. */
double qn_customer_discontent(uint64_t seed, uint64_t number);

/* "C0000001". */
char *qn_put_customer_id(char *out, uint64_t number);

#endif
