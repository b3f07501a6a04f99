/* Features that are the label in disguise: their values rank it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/guard_internal.h"

enum {
    CLASS_TO_JUDGE = 10,
    ROWS_OF_CATEGORY = 20,
    ROWS_OF_RANGE = 50,
};
static const double TELLING_AUC = 0.95;
/* Values that all come with one label only: as likely by chance at most. */
static const double PURE_BY_CHANCE = 1e-9;
/* Of the rows with the rarer label, those whose values hardly any other row has. */
static const double TAKEN_SHARE = 0.25, TAKEN_PURITY = 0.99;

/* --- bands ------------------------------------------------------------------------------------ */

static double number_of(uint64_t word)
{
    double number;
    memcpy(&number, &word, sizeof number);
    return number;
}

qn_code qn_guard_take_bands(struct qn_judged *judged, uint32_t feature, struct qn_err *err)
{
    const struct qn_guard *guard = judged->guard;
    bool categorical = guard->plan->features[feature].categorical;
    struct qn_radix_item *rows = judged->rows;
    judged->n = judged->n_bands = 0;
    for (uint32_t i = 0; i < guard->n; i++) {
        const uint64_t *row = qn_guard_row(guard, i);
        uint64_t word = row[CELL_VALUES + feature];
        if (word != QN_GUARD_NONE)
            rows[judged->n++] = (struct qn_radix_item){
                categorical ? word : qn_radix_of_double(number_of(word)), row[CELL_LABEL]};
    }
    QN_TRY(qn_radix_sort_items(rows, judged->n, err));
    for (uint32_t i = 0; i < judged->n; i++) {
        if (i == 0 || rows[i].key != rows[i - 1].key)
            judged->bands[judged->n_bands++] =
                (struct qn_band){.value = categorical ? 0 : qn_radix_to_double(rows[i].key)};
        struct qn_band *band = &judged->bands[judged->n_bands - 1];
        band->rows++;
        band->positives += (uint32_t)rows[i].value;
    }
    return QN_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct qn_band *)a)->value, y = ((const struct qn_band *)b)->value;
    return (x > y) - (x < y);
}

/* Bands by value, those of one value made one. Returns how many there are. */
static uint32_t join_equal(struct qn_band *bands, uint32_t n)
{
    uint32_t kept = 0, i = 1;
    while (i < n && bands[i - 1].value <= bands[i].value)
        i++;
    if (i < n)
        qsort(bands, n, sizeof *bands, by_value);
    for (i = 0; i < n; i++) {
        if (kept && bands[kept - 1].value == bands[i].value) {
            bands[kept - 1].rows += bands[i].rows;
            bands[kept - 1].positives += bands[i].positives;
        } else {
            bands[kept++] = bands[i];
        }
    }
    return kept;
}

static double share_of(struct qn_band band)
{
    return (double)band.positives / band.rows;
}

/* The area under the ROC curve of bands [n] by value, in either direction; NaN with too few of a
 * class. */
static double area(const struct qn_band *bands, uint32_t n)
{
    double of_class[2] = {0, 0}, right = 0, negatives = 0;
    for (uint32_t i = 0; i < n; i++) {
        of_class[0] += bands[i].rows - bands[i].positives;
        of_class[1] += bands[i].positives;
    }
    if (of_class[0] < CLASS_TO_JUDGE || of_class[1] < CLASS_TO_JUDGE)
        return (double)NAN;
    for (uint32_t i = 0; i < n; i++) {
        double here = bands[i].rows - bands[i].positives;
        right += bands[i].positives * (negatives + here / 2);
        negatives += here;
    }
    double found = right / (of_class[0] * of_class[1]);
    return found < 0.5 ? 1 - found : found;
}

/* A category's value is its share of positives. Rare ones are taken together: of few rows the share
 * says little, and of one row it says the label itself. */
static void value_categories(struct qn_band *bands, uint32_t n)
{
    struct qn_band rare = {0};
    for (uint32_t i = 0; i < n; i++) {
        bool is_rare = bands[i].rows < ROWS_OF_CATEGORY;
        rare.rows += is_rare ? bands[i].rows : 0;
        rare.positives += is_rare ? bands[i].positives : 0;
    }
    for (uint32_t i = 0; i < n; i++)
        bands[i].value = share_of(bands[i].rows < ROWS_OF_CATEGORY ? rare : bands[i]);
}

/* A number may tell the label without rising or falling with it: a code, a range in the middle. Its
 * value becomes the share of positives among those about it; frequent values stand alone. Returns
 * how many bands are left. */
static uint32_t take_ranges(struct qn_band *bands, uint32_t n)
{
    struct qn_band range = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct qn_band band = bands[i];
        bool frequent = band.rows >= ROWS_OF_CATEGORY;
        if (frequent && range.rows) {
            bands[kept++] = (struct qn_band){share_of(range), range.rows, range.positives};
            range = (struct qn_band){0};
        }
        range.rows += band.rows;
        range.positives += band.positives;
        if (frequent || range.rows >= ROWS_OF_RANGE || i + 1 == n) {
            bands[kept++] = (struct qn_band){share_of(range), range.rows, range.positives};
            range = (struct qn_band){0};
        }
    }
    return kept;
}

static double power(double x, uint32_t n)
{
    double out = 1;
    for (uint32_t i = 0; i < n && out > 0; i++)
        out *= x;
    return out;
}

/* Whether values come several times as a rule, and each with one label only, as no chance would
 * have it: codes that are too many to judge one by one. */
static bool is_pure(const struct qn_band *bands, uint32_t n_bands, uint32_t n)
{
    double chance = 1, positives = 0;
    uint32_t repeated[2] = {0, 0};
    for (uint32_t i = 0; i < n_bands; i++)
        positives += bands[i].positives;
    for (uint32_t i = 0; i < n_bands; i++) {
        struct qn_band band = bands[i];
        if (band.positives && band.positives < band.rows)
            return false;
        if (band.rows < 2)
            continue;
        chance *= power(positives / n, band.rows) + power(1 - positives / n, band.rows);
        repeated[band.positives > 0] += band.rows;
    }
    return repeated[0] >= CLASS_TO_JUDGE && repeated[1] >= CLASS_TO_JUDGE &&
           (repeated[0] + repeated[1]) * UINT64_C(5) >= n * UINT64_C(4) && chance < PURE_BY_CHANCE;
}

/* --- one label alone -------------------------------------------------------------------------- */

/* How many rows of the rarer label stand in bands that are nearly all of it; 0 where they are no
 * more than chance or a strong feature puts there. */
static uint32_t count_taken(const struct qn_band *bands, uint32_t n_bands, struct qn_band gaps)
{
    uint64_t of_class[2] = {gaps.rows - gaps.positives, gaps.positives};
    for (uint32_t i = 0; i < n_bands; i++) {
        of_class[0] += bands[i].rows - bands[i].positives;
        of_class[1] += bands[i].positives;
    }
    bool rarer = of_class[1] <= of_class[0];
    uint32_t taken = 0;
    for (uint32_t i = 0; i <= n_bands; i++) {
        struct qn_band band = i < n_bands ? bands[i] : gaps;
        uint32_t here = rarer ? band.positives : band.rows - band.positives;
        if (band.rows >= ROWS_OF_CATEGORY && here >= TAKEN_PURITY * band.rows)
            taken += here;
    }
    double all = (double)(of_class[0] + of_class[1]);
    bool chance = power((double)of_class[rarer] / all, taken) > PURE_BY_CHANCE;
    return chance || taken < TAKEN_SHARE * (double)of_class[rarer] ? 0 : taken;
}

/* --- one feature ------------------------------------------------------------------------------ */

/* The area of a feature's values, and how they were taken. */
static double area_of_values(struct qn_judged *judged, uint32_t feature, const char **how)
{
    struct qn_band *bands = judged->shares;
    memcpy(bands, judged->bands, judged->n_bands * sizeof *bands);
    if (judged->guard->plan->features[feature].categorical)
        value_categories(bands, judged->n_bands);
    uint32_t n = join_equal(bands, judged->n_bands);
    double found = area(bands, n);
    *how = "";
    if (found >= TELLING_AUC || found != found)
        return found;
    *how = ", taken by ranges,";
    n = join_equal(bands, take_ranges(bands, n));
    found = area(bands, n);
    if (found >= TELLING_AUC || !is_pure(judged->bands, judged->n_bands, judged->n))
        return found;
    *how = ", each value with one label only,";
    return 1;
}

/* Rows with a value [0], and without one [1]. */
static void band_gaps(const struct qn_judged *judged, struct qn_band bands[2])
{
    const struct qn_guard *guard = judged->guard;
    bands[0] = (struct qn_band){.rows = judged->n};
    bands[1] = (struct qn_band){.rows = guard->n - judged->n};
    for (uint32_t i = 0; i < judged->n_bands; i++)
        bands[0].positives += judged->bands[i].positives;
    for (uint32_t i = 0; bands[1].rows && i < guard->n; i++)
        bands[1].positives += (uint32_t)qn_guard_row(guard, i)[CELL_LABEL];
    bands[1].positives -= bands[1].rows ? bands[0].positives : 0;
}

/* Rows that the feature's values, or its gaps, give away (count_taken). */
static uint32_t rows_taken(struct qn_judged *judged, uint32_t feature, struct qn_band gaps)
{
    struct qn_band *bands = judged->shares;
    memcpy(bands, judged->bands, judged->n_bands * sizeof *bands);
    if (judged->guard->plan->features[feature].categorical)
        value_categories(bands, judged->n_bands);
    uint32_t n = take_ranges(bands, join_equal(bands, judged->n_bands));
    return count_taken(bands, n, gaps);
}

void qn_guard_judge_leak(struct qn_judged *judged, uint32_t feature)
{
    const char *name = judged->guard->plan->features[feature].name, *how;
    uint32_t n = judged->guard->n;
    struct qn_band gap_bands[2];
    band_gaps(judged, gap_bands);
    double values = area_of_values(judged, feature, &how);
    double gaps = gap_bands[1].rows ? area(gap_bands, 2) : 0.5;
    uint32_t taken = rows_taken(judged, feature, gap_bands[1]);
    if (values >= TELLING_AUC)
        qn_guard_say(judged, name, "leak",
                     qn_arena_printf(judged->arena,
                                     "'%s' alone%s ranks the labels of %u training rows with an "
                                     "AUC of %.4f: is it known when the score is needed, or is it "
                                     "the label in disguise?",
                                     name, how, n, values));
    else if (gaps >= TELLING_AUC)
        qn_guard_say(judged, name, "leak",
                     qn_arena_printf(judged->arena,
                                     "whether '%s' is missing ranks the labels of %u training rows "
                                     "with an AUC of %.4f: is it filled in only once the label is "
                                     "known?",
                                     name, n, gaps));
    else if (taken)
        qn_guard_say(judged, name, "leak",
                     qn_arena_printf(judged->arena,
                                     "'%s' tells the label of %u training rows of the rarer one: "
                                     "hardly any row of the other has their values (or their "
                                     "gaps): is it filled in only once the label is known?",
                                     name, taken));
}
