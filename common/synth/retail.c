/* retail: invoice lines of a gift wholesaler, a few lines an invoice, over a year. One line in 40
 * has no customer, one invoice in 50 is a cancellation (number starts with C, quantities below 0),
 * descriptions hold commas and quotes now and then. */
#include "synth/customer.h"
#include "synth/draw.h"
#include "synth/tables.h"

enum {
    DRAW_INVOICE = 5,
    DRAW_LINE = 6,
    DRAW_PRODUCT = 7,
    LINES = 5, /* an invoice */
    PRODUCTS = 3000,
    FIRST_DAY = 20089 /* 2025-01-01 */
};

static const char *const colors[] = {"RED", "BLUE", "IVORY", "BLACK", "PINK", "GREEN"};
static const char *const things[] = {"MUG",        "T-LIGHT HOLDER", "LUNCH BAG", "CAKE STAND",
                                     "WALL CLOCK", "PHOTO FRAME",    "DOORMAT",   "TEA TOWEL"};
static const char *const countries[] = {"United Kingdom", "Germany", "France", "Ireland", "Spain"};

/* A product has one name and one price wherever it is sold. */
static char *put_product(char *at, uint64_t seed, uint32_t product, uint32_t *cents)
{
    struct qn_draw draw = qn_draw_for(seed, DRAW_PRODUCT, product);
    const char *color = colors[qn_draw_below(&draw, 6)];
    const char *thing = things[qn_draw_below(&draw, 8)];
    uint32_t shape = qn_draw_below(&draw, 20);
    *cents = 10 + (uint32_t)(qn_draw_unit(&draw) * qn_draw_unit(&draw) * 2500);
    at = qn_put_text(at, shape < 2 ? "\"" : "");
    at = qn_put_text(at, thing);
    at = qn_put_text(at, shape == 0 ? ", " : shape == 1 ? " 7\"\" " : " ");
    at = qn_put_text(at, color);
    return qn_put_text(at, shape < 2 ? "\"" : "");
}

static uint32_t retail_row(const struct qn_synth_options *options, uint64_t row,
                           char out[QN_SYNTH_ROW_BYTES])
{
    uint64_t invoice = row / LINES;
    struct qn_draw head = qn_draw_for(options->seed, DRAW_INVOICE, invoice);
    struct qn_draw line = qn_draw_for(options->seed, DRAW_LINE, row);
    double u = qn_draw_unit(&head);
    uint64_t customer = 1 + (uint64_t)(u * u * (double)options->customers);
    bool cancelled = !qn_draw_below(&head, 50);
    const char *country = countries[u < 0.85 ? 0 : qn_draw_below(&head, 5)];
    uint64_t invoices = options->rows / LINES + 1;
    uint64_t day = invoice * 365 / invoices;
    double v = qn_draw_unit(&line);
    uint32_t product = (uint32_t)(v * v * PRODUCTS), cents;

    char *at = qn_put_text(out, cancelled ? "C" : "");
    at = qn_put_number(at, 500000 + invoice, 1);
    *at++ = ',';
    at = qn_put_number(at, 20000 + product, 1);
    *at++ = ',';
    at = put_product(at, options->seed, product, &cents);
    at = qn_put_text(at, cancelled ? ",-" : ",");
    at = qn_put_number(at, 1 + qn_draw_below(&line, 24), 1);
    *at++ = ',';
    at = qn_put_date(at, FIRST_DAY + (int64_t)day);
    *at++ = ' ';
    at = qn_put_number(at, 8 + qn_draw_below(&head, 10), 2);
    *at++ = ':';
    at = qn_put_number(at, qn_draw_below(&head, 60), 2);
    at = qn_put_text(at, ":00,");
    at = qn_put_cents(at, cents);
    *at++ = ',';
    if (qn_draw_below(&line, 40))
        at = qn_put_customer_id(at, customer);
    *at++ = ',';
    at = qn_put_text(at, country);
    *at++ = '\n';
    return (uint32_t)(at - out);
}

const struct qn_synth qn_synth_retail = {
    .name = "retail",
    .summary = "invoice lines of a wholesaler, with cancellations and missing customers",
    .header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
    .row = retail_row,
};
