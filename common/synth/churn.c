/* churn: one row a customer, with the label. total_charge is blank for customers of tenure 0 and
 * for one in 500 others. */
#include "synth/customer.h"
#include "synth/draw.h"
#include "synth/tables.h"

enum { DRAW_CHURN = 3, TODAY = 20453 /* 2025-12-31 */ };

static const char *const regions[] = {"north", "south", "east", "west", "capital"};
static const char *const plans[] = {"monthly", "one_year", "two_years"};
static const char *const payments[] = {"electronic_check", "mailed_check", "bank_transfer",
                                       "credit_card"};

static uint32_t churn_row(const struct qn_synth_options *options, uint64_t row,
                          char out[QN_SYNTH_ROW_BYTES])
{
    uint64_t number = row + 1;
    struct qn_customer c = qn_customer_make(options->seed, number);
    struct qn_draw draw = qn_draw_for(options->seed, DRAW_CHURN, number);
    int64_t signup = TODAY - (int64_t)c.tenure_months * 30 - qn_draw_below(&draw, 30);
    char *at = qn_put_customer_id(out, number);
    *at++ = ',';
    at = qn_put_date(at, signup);
    *at++ = ',';
    at = qn_put_number(at, c.age, 1);
    *at++ = ',';
    at = qn_put_text(at, regions[c.region]);
    *at++ = ',';
    at = qn_put_text(at, plans[c.plan]);
    *at++ = ',';
    at = qn_put_text(at, payments[c.payment]);
    *at++ = ',';
    at = qn_put_number(at, c.tenure_months, 1);
    *at++ = ',';
    at = qn_put_cents(at, c.monthly_charge_cents);
    *at++ = ',';
    /* What was charged in all: prices moved by up to 5 % either way. */
    uint64_t total = (uint64_t)c.monthly_charge_cents * c.tenure_months;
    total = total * (950 + qn_draw_below(&draw, 101)) / 1000;
    if (c.tenure_months && qn_draw_below(&draw, 500))
        at = qn_put_cents(at, total);
    *at++ = ',';
    at = qn_put_number(at, c.support_calls, 1);
    *at++ = ',';
    at = qn_put_number(at, c.discount, 1);
    at = qn_put_text(at, c.paperless ? ",yes," : ",no,");
    at = qn_put_text(at, c.churned ? "1\n" : "0\n");
    return (uint32_t)(at - out);
}

const struct qn_synth qn_synth_churn = {
    .name = "churn",
    .summary = "customers of a telephone company, and who left",
    .header = "customer_id,signup_date,age,region,plan,payment_method,tenure_months,"
              "monthly_charge,total_charge,support_calls,discount,paperless,churned\n",
    .row = churn_row,
};
