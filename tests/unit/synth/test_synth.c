#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "synth/customer.h"
#include "synth/draw.h"
#include "synth/synth.h"

static const struct qn_synth_options options = {.rows = 20000, .seed = 42, .customers = 400};

static void make(const char *table, uint64_t row, char out[QN_SYNTH_ROW_BYTES])
{
    uint32_t n = qn_synth_find(table)->row(&options, row, out);
    assert_in_range(n, 1, QN_SYNTH_ROW_BYTES - 1);
    assert_int_equal(out[n - 1], '\n');
    out[n] = '\0';
}

/* Fields of a row without quotes. */
static uint32_t split(char *row, char *fields[16])
{
    uint32_t n = 0;
    row[strcspn(row, "\n")] = '\0';
    for (char *at = row; at; n++) {
        fields[n] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = '\0';
    }
    return n;
}

static uint32_t count_commas(const char *text)
{
    uint32_t n = 0;
    bool quoted = false;
    for (; *text; text++) {
        quoted ^= *text == '"';
        n += *text == ',' && !quoted;
    }
    return n;
}

static void every_row_fits_its_header(void **state)
{
    (void)state;
    for (const struct qn_synth *const *synth = qn_synth_all(); *synth; synth++)
        for (uint64_t row = 0; row < options.rows; row++) {
            char text[QN_SYNTH_ROW_BYTES];
            make((*synth)->name, row, text);
            assert_int_equal(count_commas(text), count_commas((*synth)->header));
        }
}

/* The first rows of seed 42, byte for byte: files made by one version must be made by the next. */
static void rows_stay_what_they_are(void **state)
{
    (void)state;
    uint64_t digest = 0;
    for (const struct qn_synth *const *synth = qn_synth_all(); *synth; synth++)
        for (uint64_t row = 0; row < 1000; row++) {
            char text[QN_SYNTH_ROW_BYTES];
            make((*synth)->name, row, text);
            digest = qn_hash64(text, strlen(text), digest);
        }
    if (digest != UINT64_C(0x2ab12a3f5d502346))
        fail_msg("digest is %016llx", (unsigned long long)digest);
}

static int by_logit(const void *a, const void *b)
{
    double x = ((const struct qn_customer *)a)->logit, y = ((const struct qn_customer *)b)->logit;
    return (x > y) - (x < y);
}

/* ROC-AUC of the model that the customers were drawn from, as far as columns can tell. */
static void churn_can_be_learnt_but_not_perfectly(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct qn_customer *customers = malloc(N * sizeof *customers);
    assert_non_null(customers);
    for (uint32_t i = 0; i < N; i++)
        customers[i] = qn_customer_make(42, i + 1);
    qsort(customers, N, sizeof *customers, by_logit);
    double rank_sum = 0, churned = 0;
    for (uint32_t i = 0; i < N; i++)
        if (customers[i].churned) {
            rank_sum += i + 1;
            churned++;
        }
    double auc = (rank_sum - churned * (churned + 1) / 2) / (churned * (N - churned));
    printf("%.1f %% churn, ROC-AUC of the columns %.3f\n", 100 * churned / N, auc);
    assert_true(auc > 0.80 && auc < 0.85);
    assert_true(churned / N > 0.2 && churned / N < 0.3);
    free(customers);
}

static void dirt_is_rare_and_where_it_should_be(void **state)
{
    (void)state;
    uint32_t empty = 0, dirty = 0;
    for (uint64_t row = 0; row < options.rows; row++) {
        char text[QN_SYNTH_ROW_BYTES], *fields[16];
        make("events", row, text);
        assert_int_equal(split(text, fields), 7);
        empty += fields[4][0] == '\0';
        dirty += strcmp(fields[5], "n/a") == 0;
        uint64_t customer = strtoull(fields[1] + 1, NULL, 10);
        assert_in_range(customer, 1, options.customers);
    }
    assert_in_range(empty, options.rows / 130, options.rows / 75);
    assert_in_range(dirty, options.rows / 260, options.rows / 150);
}

/* Discontented customers, who churn more, do less and complain more. */
static void events_tell_who_is_discontented(void **state)
{
    (void)state;
    double events[2] = {0}, complaints[2] = {0}, people[2] = {0};
    for (uint64_t row = 0; row < options.rows; row++) {
        char text[QN_SYNTH_ROW_BYTES], *fields[16];
        make("events", row, text);
        split(text, fields);
        bool high = qn_customer_discontent(options.seed, strtoull(fields[1] + 1, NULL, 10)) > 0;
        events[high]++;
        complaints[high] += strcmp(fields[3], "complaint") == 0;
    }
    for (uint64_t number = 1; number <= options.customers; number++)
        people[qn_customer_discontent(options.seed, number) > 0]++;
    assert_true(events[1] / people[1] < 0.8 * events[0] / people[0]);
    assert_true(complaints[1] / events[1] > 2 * complaints[0] / events[0]);
}

static void sigmoids_and_dates_are_right(void **state)
{
    (void)state;
    for (int i = -290; i < 290; i++)
        assert_true(fabs(qn_draw_sigmoid(i / 10.0) - 1 / (1 + exp(-i / 10.0))) < 1e-12);
    static const struct {
        int64_t day;
        const char *text;
    } dates[] = {{0, "1970-01-01"}, {11016, "2000-02-29"}, {20454, "2026-01-01"}};
    for (size_t i = 0; i < 3; i++) {
        char out[16];
        *qn_put_date(out, dates[i].day) = '\0';
        assert_string_equal(out, dates[i].text);
    }
}

static void a_file_is_its_rows_and_comes_fast(void **state)
{
    (void)state;
    char path[] = "/tmp/quern-synth-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct qn_synth_options many = options;
    many.rows = 200000;
    struct qn_err err;
    int64_t start = qn_clock_us();
    assert_int_equal(qn_synth_write(qn_synth_find("events"), &many, path, &err), QN_OK);
    printf("%.2f M rows/s\n", (double)many.rows / (double)(qn_clock_us() - start));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[QN_SYNTH_ROW_BYTES], expected[QN_SYNTH_ROW_BYTES];
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, qn_synth_find("events")->header);
    for (uint64_t row = 0; row < many.rows; row++) {
        assert_non_null(fgets(line, sizeof line, file));
        expected[qn_synth_find("events")->row(&many, row, expected)] = '\0';
        assert_string_equal(line, expected);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    unlink(path);
    assert_int_equal(qn_synth_write(qn_synth_find("churn"), &many, "/nowhere/x.csv", &err), QN_EIO);
    assert_int_equal(qn_synth_write(qn_synth_find("churn"), &many, "/dev/full", &err), QN_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_fits_its_header),
        cmocka_unit_test(rows_stay_what_they_are),
        cmocka_unit_test(churn_can_be_learnt_but_not_perfectly),
        cmocka_unit_test(dirt_is_rare_and_where_it_should_be),
        cmocka_unit_test(events_tell_who_is_discontented),
        cmocka_unit_test(sigmoids_and_dates_are_right),
        cmocka_unit_test(a_file_is_its_rows_and_comes_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
