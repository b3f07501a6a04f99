/* Expressions nobody would write: random bytes, words in random order, and corpus lines with a few
 * bytes changed. What compiles is evaluated; nothing may crash, and every complaint must lie within
 * the text. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "tests/conformance/expr_oracle.h"
#include "tests/support/fuzz.h"

static struct random fuzz;
static struct qn_arena arena;
static struct qn_batch_builder *builder;
static struct qn_batch batch;
static uint64_t n_tried, n_compiled;

static int setup(void **state)
{
    (void)state;
    struct qn_err err;
    fuzz.state = fuzz_first_seed();
    n_tried = n_compiled = 0;
    qn_arena_init(&arena);
    assert_ok(qn_builder_new(&oracle_schema, &builder, &err), &err);
    for (uint32_t row = 0; row < 70; row++) {
        for (uint32_t c = 0; c < ORACLE_COLUMNS; c++)
            oracle_value(&fuzz, builder, c);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, &batch);
    oracle_code(&batch.columns[7], batch.n_rows);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    qn_builder_free(builder);
    fprintf(stderr, "%llu texts, %llu of them expressions\n", (unsigned long long)n_tried,
            (unsigned long long)n_compiled);
    return 0;
}

/* The text in a block of its own size, so that a read past its end is seen. */
static void try_text(const char *text, size_t len)
{
    char *exact = malloc(len ? len : 1);
    struct qn_expr *expr;
    struct qn_agg_call aggregate;
    struct qn_expr_complaint complaint = {0};
    struct qn_column out;
    struct qn_err err;
    assert_non_null(exact);
    memcpy(exact, text, len);
    qn_arena_clear(&arena);
    n_tried++;
    const struct qn_strv s = {exact, len};
    if (qn_expr_compile(&arena, s, &oracle_schema, &expr, &complaint) == QN_OK) {
        n_compiled++;
        assert_ok(qn_expr_eval(expr, &batch, &arena, &out, &err), &err);
        struct qn_buf said;
        qn_buf_init(&said);
        for (uint32_t row = 0; row < batch.n_rows; row++)
            qn_value_format(&said, &out, row);
        qn_buf_fini(&said);
    } else {
        assert_true(complaint.message[0] != '\0');
        assert_true(complaint.offset <= len && complaint.width <= len + 1 - complaint.offset);
        assert_true(qn_utf8_valid(qn_strv_from(complaint.message)));
    }
    if (qn_agg_compile(&arena, s, &oracle_schema, &aggregate, &complaint) == QN_OK &&
        aggregate.argument)
        assert_ok(qn_expr_eval(aggregate.argument, &batch, &arena, &out, &err), &err);
    free(exact);
}

static void random_bytes(void **state)
{
    (void)state;
    static const char likely[] = "()'\"+-*/%|=<>!,. 0123456789exabcd\xc3\xa9\n";
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 200000)) {
        char text[64];
        size_t len = random_below(&fuzz, sizeof text);
        bool any = random_below(&fuzz, 2);
        for (size_t i = 0; i < len; i++)
            text[i] =
                any ? (char)random_next(&fuzz) : likely[random_below(&fuzz, sizeof likely - 1)];
        try_text(text, len);
    }
}

static const char *const words[] = {
    "i",
    "j",
    "big",
    "x",
    "y",
    "d",
    "e",
    "s",
    "u",
    "b",
    "dt",
    "ts",
    "1",
    "0",
    "-",
    "-1",
    "2.50",
    "1e300",
    "9223372036854775807",
    "'a'",
    "''",
    "'2026-01-31'",
    "'%a_'",
    "NULL",
    "TRUE",
    "(",
    ")",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "||",
    "=",
    "<>",
    "<",
    ">=",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IS NOT",
    "IS NULL",
    "IN (",
    "BETWEEN",
    "LIKE",
    "GLOB",
    "ESCAPE '!'",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST(",
    "AS integer)",
    "AS text)",
    "AS decimal(18,18))",
    "AS date)",
    "abs(",
    "round(",
    "coalesce(",
    "nullif(",
    "iif(",
    "min(",
    "max(",
    "lower(",
    "trim(",
    "substr(",
    "::integer",
    "::text",
    "::date",
    "ILIKE",
    "UNKNOWN",
    "+ INTERVAL 1 MONTH",
    "- INTERVAL '3 days 2 hours'",
    "INTERVAL (",
    "DAYS",
    "position(",
    "FROM 2 FOR 1)",
    "LEADING",
    "lpad(",
    "rpad(",
    "repeat(",
    "reverse(",
    "split_part(",
    "contains(",
    "greatest(",
    "least(",
    "date_add('month',",
    "last_day(",
    "week(",
    "dayname(",
    "replace(",
    "length(",
    "instr(",
    "hex(",
    "ln(",
    "exp(",
    "pow(",
    "sqrt(",
    "year(",
    "date(",
    "date_diff('day',",
    "date_trunc('week',",
    "strftime('%Y',",
    "sum(",
    "count(*)",
    "FILTER (WHERE",
    "DISTINCT",
    "AS boolean)",
    "AS timestamp)",
    "floor(",
    "sign(",
    "&",
    "<<",
    ">>",
    "~",
    "[i]",
    "`s`",
    "char(",
    "unicode(",
    "typeof(",
    "concat(",
    "concat_ws(",
    "left(",
    "right(",
    "atan2(",
    "mod(",
    "pi()",
    "julianday(",
    "unixepoch(",
    "datetime(",
    "time(",
    "extract(year FROM",
    "'+1 month'",
    "'-9999999 days'",
    "'start of year'",
    "'weekday 3'",
    "'unixepoch'",
    "-9223372036854775808",
    "AS varchar(3))",
    "AS numeric)",
};

static void random_words(void **state)
{
    (void)state;
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 60000)) {
        char text[512];
        size_t len = 0;
        uint32_t n = 1 + random_below(&fuzz, 12);
        for (uint32_t i = 0; i < n; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s ", PICK(&fuzz, words));
        try_text(text, len);
    }
}

static void tampered_corpus(void **state)
{
    (void)state;
    static char lines[800][256];
    char path[1024];
    const char *root = getenv("QUERN_ROOT");
    uint32_t n = 0;
    snprintf(path, sizeof path, "%s/tests/conformance/expr_cases.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s (is QUERN_ROOT set?)", path);
    while (n < 800 && fgets(lines[n], sizeof lines[n], file))
        n++;
    fclose(file);
    struct fuzz_run run = {0};
    while (fuzz_next(&run, 60000)) {
        char text[600];
        const char *line = lines[random_below(&fuzz, n)], *other = lines[random_below(&fuzz, n)];
        size_t len = strcspn(line, "\n"), cut = random_below(&fuzz, (uint32_t)len + 1);
        memcpy(text, line, cut);
        if (random_below(&fuzz, 2)) { /* the beginning of one, the end of another */
            size_t rest = strcspn(other, "\n"), from = random_below(&fuzz, (uint32_t)rest + 1);
            memcpy(text + cut, other + from, rest - from);
            try_text(text, cut + rest - from);
        } else { /* one byte changed */
            memcpy(text, line, len);
            if (len)
                text[cut % len] = (char)random_next(&fuzz);
            try_text(text, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(random_words, setup, teardown),
        cmocka_unit_test_setup_teardown(tampered_corpus, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
