#include "synth/customer.h"

#include "synth/draw.h"

enum { DRAW_PERSON = 1, DRAW_DISCONTENT = 2 };

double qn_customer_discontent(uint64_t seed, uint64_t number)
{
    struct qn_draw draw = qn_draw_for(seed, DRAW_DISCONTENT, number);
    return qn_draw_normal(&draw);
}

static enum qn_plan draw_plan(struct qn_draw *draw)
{
    double share = qn_draw_unit(draw);
    return share < 0.55 ? QN_PLAN_MONTHLY : share < 0.76 ? QN_PLAN_ONE_YEAR : QN_PLAN_TWO_YEARS;
}

/* Longer contracts come with longer tenure; many customers are new. */
static uint32_t draw_tenure(struct qn_draw *draw, enum qn_plan plan)
{
    double u = qn_draw_unit(draw);
    double share = plan == QN_PLAN_MONTHLY ? u * u : plan == QN_PLAN_ONE_YEAR ? u : 1 - u * u;
    return (uint32_t)(share * 73);
}

static uint32_t draw_support_calls(struct qn_draw *draw)
{
    uint32_t n = 0;
    while (n < 9 && qn_draw_unit(draw) < 0.5)
        n++;
    return n;
}

static double logit_of(const struct qn_customer *c)
{
    double logit = -2.05;
    logit += c->plan == QN_PLAN_MONTHLY ? 1.50 : c->plan == QN_PLAN_TWO_YEARS ? -1.00 : 0;
    logit -= 0.035 * c->tenure_months;
    logit += 0.014 * ((double)c->monthly_charge_cents / 100 - 65);
    logit += 0.40 * c->support_calls;
    logit += c->payment == QN_PAY_ELECTRONIC_CHECK ? 0.45 : 0;
    logit += c->paperless ? 0.25 : 0;
    logit += c->age >= 65 ? 0.30 : 0;
    logit -= 0.03 * c->discount;
    return logit;
}

struct qn_customer qn_customer_make(uint64_t seed, uint64_t number)
{
    struct qn_draw draw = qn_draw_for(seed, DRAW_PERSON, number);
    struct qn_customer c = {.age = 18 + qn_draw_below(&draw, 35) + qn_draw_below(&draw, 36)};
    c.region = qn_draw_below(&draw, 5);
    c.plan = draw_plan(&draw);
    c.payment = (enum qn_payment)qn_draw_below(&draw, 4);
    c.tenure_months = draw_tenure(&draw, c.plan);
    c.monthly_charge_cents = 1800 + qn_draw_below(&draw, 5100) + qn_draw_below(&draw, 5100);
    c.support_calls = draw_support_calls(&draw);
    c.discount = qn_draw_unit(&draw) < 0.7 ? 0 : 5 + 5 * qn_draw_below(&draw, 3);
    c.paperless = qn_draw_unit(&draw) < 0.6;
    c.discontent = qn_customer_discontent(seed, number);
    c.logit = logit_of(&c);
    c.churned = qn_draw_unit(&draw) < qn_draw_sigmoid(c.logit + 0.70 * c.discontent);
    return c;
}

char *qn_put_customer_id(char *out, uint64_t number)
{
    *out++ = 'C';
    return qn_put_number(out, number, 7);
}

/* Civil date from a day number: years start in March, so that leap days come last. */
char *qn_put_date(char *out, int64_t day)
{
    day += 719468; /* from 0000-03-01 */
    int64_t era = day / 146097, of_era = day % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    out = qn_put_number(out, (uint64_t)year, 4);
    *out++ = '-';
    out = qn_put_number(out, (uint64_t)month, 2);
    *out++ = '-';
    return qn_put_number(out, (uint64_t)of_month, 2);
}
