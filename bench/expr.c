/* What a kernel of an expression costs: rows a second on one core over batches that stay in the
 * cache, and the bytes of the columns it names and of the values it makes beside what one core
 * reads from memory, which is what a query can be fed at best.
 *
 *     build/bench.expr [TEXT]          kernels whose expression holds TEXT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "expr/expr.h"

enum { ROWS = QN_BATCH_ROWS, TEXT_BYTES = 32, RUN_US = 150000, MEMORY_WORDS = 32 << 20 };

static const struct qn_field fields[] = {
    {"i", {.id = QN_INT64}},   {"j", {.id = QN_INT64}},     {"x", {.id = QN_DOUBLE}},
    {"y", {.id = QN_DOUBLE}},  {"d", {QN_DECIMAL, 10, 2}},  {"e", {QN_DECIMAL, 10, 2}},
    {"kind", {.id = QN_TEXT}}, {"digits", {.id = QN_TEXT}}, {"ts", {.id = QN_TIMESTAMP}},
    {"day", {.id = QN_DATE}},  {"b", {.id = QN_BOOL}},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static const struct {
    const char *group, *text;
} kernels[] = {
    {"arithmetic", "i + j"},
    {"arithmetic", "i * j"},
    {"arithmetic", "i / j"},
    {"arithmetic", "x * y + x"},
    {"arithmetic", "d + e"},
    {"arithmetic", "d * e"},
    {"comparison", "i < j"},
    {"comparison", "x >= 0.5"},
    {"comparison", "d > 12.5"},
    {"comparison", "kind = 'call'"},
    {"comparison", "i in (1, 5, 9, 100, 400)"},
    {"comparison", "kind in ('call', 'sms', 'visit')"},
    {"logic", "i < j and x < 0.5"},
    {"logic", "i is null or b"},
    {"LIKE", "kind like 'c%'"},
    {"LIKE", "kind like '%am%'"},
    {"LIKE", "kind like '_a_a%'"},
    {"CASE", "case when i < 300 then 1 when i < 600 then 2 else 3 end"},
    {"CASE", "coalesce(i, j)"},
    {"CASE", "nullif(i, 5)"},
    {"casts", "cast(i as double)"},
    {"casts", "cast(i as text)"},
    {"casts", "cast(digits as integer)"},
    {"casts", "cast(digits as double)"},
    {"casts", "cast(ts as text)"},
    {"dates", "year(day)"},
    {"dates", "hour(ts)"},
    {"dates", "date_trunc('month', ts)"},
    {"dates", "date_diff('day', day, ts)"},
    {"numbers", "round(x, 2)"},
    {"numbers", "ln(x)"},
    {"text", "upper(kind)"},
    {"text", "kind || '-' || digits"},
    {"text", "substr(kind, 2, 3)"},
    {"text", "length(kind)"},
};

static void stop(const char *what)
{
    fprintf(stderr, "bench.expr: %s\n", what);
    exit(1);
}

static void *room(size_t n, size_t size)
{
    void *made = calloc(n, size);
    if (!made)
        stop("out of memory");
    return made;
}

static uint64_t draw(uint32_t row, uint32_t column)
{
    return qn_mix64((uint64_t)row * 64 + column + 1);
}

static int64_t whole_value(uint8_t type, uint64_t h)
{
    switch (type) {
    case QN_DATE: return (int64_t)(19000 + h % 1500);
    case QN_TIMESTAMP: return (int64_t)(UINT64_C(1700000000) + h % 7776000) * 1000000;
    case QN_DECIMAL: return (int64_t)(h % 10000);
    default: return (int64_t)(h % 1000);
    }
}

static void fill_text(struct qn_column *column, bool digits)
{
    static const char *const words[] = {"call", "sms", "data", "roaming abroad", "visit"};
    column->bytes = room(ROWS, TEXT_BYTES);
    column->offsets = room(ROWS + 1, sizeof *column->offsets);
    for (uint32_t row = 0; row < ROWS; row++) {
        uint64_t h = draw(row, digits);
        char *at = column->bytes + column->offsets[row];
        int n = digits ? snprintf(at, TEXT_BYTES, "%u", (unsigned)(h % 100000))
                       : snprintf(at, TEXT_BYTES, "%s", words[h % 5]);
        column->offsets[row + 1] = column->offsets[row] + (uint32_t)n;
    }
}

static void fill(struct qn_column *column, uint32_t place)
{
    column->type = fields[place].type;
    enum qn_layout layout = qn_type_layout(column->type);
    if (layout == QN_LAYOUT_TEXT) {
        fill_text(column, strcmp(fields[place].name, "digits") == 0);
        return;
    }
    column->bytes = room(ROWS, sizeof(int64_t));
    for (uint32_t row = 0; row < ROWS; row++) {
        uint64_t h = draw(row, place);
        if (layout == QN_LAYOUT_BOOL)
            column->bools[row] = h & 1;
        else if (layout == QN_LAYOUT_F64)
            column->f64[row] = (double)(h >> 11) * 0x1p-53;
        else
            column->i64[row] = whole_value(column->type.id, h);
    }
    if (strcmp(fields[place].name, "i") != 0)
        return;
    column->validity = room(qn_validity_words(ROWS), sizeof(uint64_t)); /* one in 64 is NULL */
    for (uint32_t row = 0; row < ROWS; row++)
        if (draw(row, 50) % 64)
            qn_valid_set(column->validity, row);
}

static size_t bytes_of(const struct qn_column *column)
{
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return ROWS;
    case QN_LAYOUT_TEXT: return ROWS * sizeof(uint32_t) + column->offsets[ROWS];
    default: return ROWS * sizeof(int64_t);
    }
}

/* What of a result is new: some share their values or offsets with a column. */
static size_t new_bytes_of(const struct qn_column *result, const struct qn_batch *batch)
{
    size_t shared = 0;
    for (uint32_t c = 0; c < FIELDS; c++) {
        const struct qn_column *column = &batch->columns[c];
        if (result->bytes == column->bytes)
            return 0;
        if (result->offsets && result->offsets == column->offsets)
            shared = ROWS * sizeof(uint32_t);
    }
    return bytes_of(result) - shared;
}

/* GB/s at which one core adds up words that are in no cache. */
static double memory_rate(void)
{
    uint64_t *words = room(MEMORY_WORDS, sizeof *words);
    uint64_t sum = 0;
    double best = 0;
    memset(words, 1, (size_t)MEMORY_WORDS * sizeof *words);
    for (int round = 0; round < 3; round++) {
        int64_t started = qn_clock_us();
        for (size_t i = 0; i < MEMORY_WORDS; i++)
            sum += words[i];
        double rate = (double)MEMORY_WORDS * 8 / (double)(qn_clock_us() - started) / 1e3;
        best = rate > best ? rate : best;
    }
    if (sum == 0)
        stop("memory reads as nothing");
    free(words);
    return best;
}

static void report(const char *group, const char *text, double rows, double bytes, double us,
                   double limit)
{
    double rate = bytes / us / 1e3;
    printf("%-11s %-56s %8.1f M rows/s %7.2f GB/s  %4.0f %% of memory\n", group, text, rows / us,
           rate, 100 * rate / limit);
}

static void measure(uint32_t which, const struct qn_batch *batch, double limit)
{
    struct qn_arena plan, scratch;
    struct qn_expr *expr;
    struct qn_expr_complaint complaint;
    struct qn_err err;
    qn_arena_init(&plan);
    qn_arena_init(&scratch);
    struct qn_strv text = qn_strv_from(kernels[which].text);
    if (qn_expr_compile(&plan, text, batch->schema, &expr, &complaint) != QN_OK)
        stop(complaint.message);
    bool used[FIELDS] = {0};
    qn_expr_columns(expr, used);
    size_t bytes = 0;
    for (uint32_t c = 0; c < FIELDS; c++)
        bytes += used[c] ? bytes_of(&batch->columns[c]) : 0;
    int64_t started = qn_clock_us(), took;
    struct qn_column result;
    double rounds = 0;
    do {
        qn_arena_clear(&scratch);
        if (qn_expr_eval(expr, batch, &scratch, &result, &err) != QN_OK)
            stop(err.message);
        rounds++;
        took = qn_clock_us() - started;
    } while (took < RUN_US);
    bytes += new_bytes_of(&result, batch);
    report(kernels[which].group, kernels[which].text, rounds * ROWS, rounds * (double)bytes,
           (double)took, limit);
    qn_arena_fini(&scratch);
    qn_arena_fini(&plan);
}

/* A filter gives the numbers of its rows, by how many of them it keeps. */
static void measure_filter(const struct qn_batch *batch, const char *text, double limit)
{
    static uint32_t rows[ROWS];
    struct qn_arena plan, scratch;
    struct qn_expr *expr;
    struct qn_expr_complaint complaint;
    struct qn_err err;
    qn_arena_init(&plan);
    qn_arena_init(&scratch);
    if (qn_expr_compile(&plan, qn_strv_from(text), batch->schema, &expr, &complaint) != QN_OK)
        stop(complaint.message);
    int64_t started = qn_clock_us(), took;
    double rounds = 0;
    uint32_t n = 0;
    do {
        qn_arena_clear(&scratch);
        if (qn_expr_filter(expr, batch, &scratch, rows, &n, &err) != QN_OK)
            stop(err.message);
        rounds++;
        took = qn_clock_us() - started;
    } while (took < RUN_US);
    report("filter", text, rounds * ROWS, rounds * (ROWS * 8.0 + n * 4.0), (double)took, limit);
    qn_arena_fini(&scratch);
    qn_arena_fini(&plan);
}

int main(int argc, char **argv)
{
    const struct qn_schema schema = {fields, FIELDS};
    struct qn_column columns[FIELDS] = {0};
    for (uint32_t c = 0; c < FIELDS; c++)
        fill(&columns[c], c);
    const struct qn_batch batch = {.schema = &schema, .columns = columns, .n_rows = ROWS};
    double limit = memory_rate();
    printf("one core reads %.1f GB/s from memory; %d rows a batch\n", limit, ROWS);
    for (uint32_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        if (argc < 2 || strstr(kernels[k].text, argv[1]))
            measure(k, &batch, limit);
    static const char *const filters[] = {"j < 10", "j < 500", "j < 990"};
    for (uint32_t f = 0; f < 3; f++)
        if (argc < 2 || strstr(filters[f], argv[1]))
            measure_filter(&batch, filters[f], limit);
    for (uint32_t c = 0; c < FIELDS; c++) {
        free(columns[c].bytes);
        free(columns[c].offsets);
        free(columns[c].validity);
    }
    return 0;
}
