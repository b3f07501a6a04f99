/* events: what customers did in the 90 days before 2026-01-01, in order of time. Few customers do
 * much (a customer's share falls with the root of its number), discontented ones do less and
 * complain more. One amount in 100 is empty, one duration in 200 is "n/a". */
#include "synth/customer.h"
#include "synth/draw.h"
#include "synth/tables.h"

enum {
    DRAW_EVENT = 4,
    FIRST_DAY = 20364, /* 2025-10-03 */
    SECONDS = 90 * 86400,
    TRIES = 8 /* for a customer who feels like doing something */
};

enum kind { CALL, SMS, DATA, PAYMENT, COMPLAINT };
static const char *const kinds[] = {"call", "sms", "data", "payment", "complaint"};
static const char *const channels[] = {"app", "web", "phone", "store"};

static uint64_t draw_customer(const struct qn_synth_options *options, struct qn_draw *draw,
                              double *discontent)
{
    uint64_t number = 0;
    for (int i = 0; i < TRIES; i++) {
        double u = qn_draw_unit(draw);
        number = 1 + (uint64_t)(u * u * (double)options->customers);
        *discontent = qn_customer_discontent(options->seed, number);
        if (qn_draw_unit(draw) < 0.25 + 0.75 * qn_draw_sigmoid(-1.2 * *discontent))
            break;
    }
    return number;
}

static enum kind draw_kind(struct qn_draw *draw, double discontent)
{
    if (qn_draw_unit(draw) < 0.25 * qn_draw_sigmoid(1.5 * discontent - 1.5))
        return COMPLAINT;
    double share = qn_draw_unit(draw);
    return share < 0.42 ? CALL : share < 0.67 ? SMS : share < 0.92 ? DATA : PAYMENT;
}

static uint32_t draw_cents(struct qn_draw *draw, enum kind kind)
{
    static const uint32_t least[] = {2, 5, 10, 1800, 0}, span[] = {300, 20, 1500, 10200, 1};
    return least[kind] + qn_draw_below(draw, span[kind]);
}

static uint32_t draw_duration(struct qn_draw *draw, enum kind kind)
{
    static const uint32_t longest[] = {1800, 1, 7200, 1, 2400};
    double u = qn_draw_unit(draw);
    return (uint32_t)(u * u * longest[kind]);
}

static char *put_timestamp(char *at, const struct qn_synth_options *options, uint64_t row,
                           struct qn_draw *draw)
{
    double step = (double)SECONDS / (double)options->rows;
    uint64_t second = (uint64_t)(((double)row + qn_draw_unit(draw)) * step);
    at = qn_put_date(at, FIRST_DAY + (int64_t)(second / 86400));
    *at++ = ' ';
    at = qn_put_number(at, second / 3600 % 24, 2);
    *at++ = ':';
    at = qn_put_number(at, second / 60 % 60, 2);
    *at++ = ':';
    return qn_put_number(at, second % 60, 2);
}

static uint32_t events_row(const struct qn_synth_options *options, uint64_t row,
                           char out[QN_SYNTH_ROW_BYTES])
{
    struct qn_draw draw = qn_draw_for(options->seed, DRAW_EVENT, row);
    double discontent = 0;
    uint64_t customer = draw_customer(options, &draw, &discontent);
    enum kind kind = draw_kind(&draw, discontent);
    char *at = out;
    *at++ = 'E';
    at = qn_put_number(at, row + 1, 9);
    *at++ = ',';
    at = qn_put_customer_id(at, customer);
    *at++ = ',';
    at = put_timestamp(at, options, row, &draw);
    *at++ = ',';
    at = qn_put_text(at, kinds[kind]);
    *at++ = ',';
    uint32_t cents = draw_cents(&draw, kind);
    if (qn_draw_below(&draw, 100))
        at = qn_put_cents(at, cents);
    *at++ = ',';
    uint32_t duration = draw_duration(&draw, kind);
    if (qn_draw_below(&draw, 200))
        at = qn_put_number(at, duration, 1);
    else
        at = qn_put_text(at, "n/a");
    *at++ = ',';
    at = qn_put_text(at, channels[qn_draw_below(&draw, 4)]);
    *at++ = '\n';
    return (uint32_t)(at - out);
}

const struct qn_synth qn_synth_events = {
    .name = "events",
    .summary = "what those customers did in 90 days, with a few dirty values",
    .header = "event_id,customer_id,ts,kind,amount,duration,channel\n",
    .row = events_row,
};
