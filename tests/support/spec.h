/* Specs in tests: kinds of jobs and a format that stay as they are while the real ones grow. */
#ifndef QN_TESTS_SUPPORT_SPEC_H
#define QN_TESTS_SUPPORT_SPEC_H

#include "spec/keys.h"
#include "spec/spec.h"

static const char *const fake_etl[] = {"etl", NULL};
static const char *const fake_train[] = {"train", NULL};
static const char *const fake_keeps[] = {"first", "last", NULL};
static const char *const fake_dispositions[] = {"append", "replace", NULL};
static const char *const fake_later_dispositions[] = {"merge", NULL};

static const struct qn_key fake_dedupe_keys[] = {
    {.name = "by", .shape = QN_SHAPE_LIST, .item = QN_SHAPE_TEXT, .required = true},
    {.name = "keep", .shape = QN_SHAPE_ENUM, .values = fake_keeps},
    {.name = "order_by", .shape = QN_SHAPE_TEXT},
};
static const struct qn_spec_keys fake_dedupe = QN_KEYS("dedupe", fake_dedupe_keys);
static const struct qn_key fake_impute_keys[] = {
    {.name = "strategy", .shape = QN_SHAPE_TEXT, .required = true},
    {.name = "round", .shape = QN_SHAPE_INT, .min = 0, .max = 18},
};
static const struct qn_spec_keys fake_impute = QN_KEYS("impute", fake_impute_keys);
static const struct qn_key fake_into_keys[] = {
    {.name = "table", .shape = QN_SHAPE_IDENTIFIER, .required = true},
    {.name = "write_disposition",
     .shape = QN_SHAPE_ENUM,
     .values = fake_dispositions,
     .unsupported_values = fake_later_dispositions},
};
static const struct qn_spec_keys fake_into = QN_KEYS("into", fake_into_keys);

static const struct qn_key fake_etl_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = fake_etl, .required = true},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source or a job"},
    {.name = "filter", .shape = QN_SHAPE_EXPR, .doc = "rows for which it holds stay"},
    {.name = "derive", .shape = QN_SHAPE_MAP, .item = QN_SHAPE_EXPR, .identifiers = true},
    {.name = "impute", .shape = QN_SHAPE_MAP, .item = QN_SHAPE_OBJECT, .object = &fake_impute},
    {.name = "dedupe", .shape = QN_SHAPE_OBJECT, .object = &fake_dedupe},
    {.name = "drop", .shape = QN_SHAPE_LIST, .item = QN_SHAPE_TEXT, .or_single = true},
    {.name = "data_tests", .shape = QN_SHAPE_TESTS},
    {.name = "into", .shape = QN_SHAPE_OBJECT, .object = &fake_into, .or_text = true},
    {.name = "incremental", .shape = QN_SHAPE_ANY, .unsupported = true},
};
static const struct qn_spec_keys fake_etl_table = QN_KEYS("etl job", fake_etl_keys);
static const struct qn_key fake_train_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = fake_train, .required = true},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true},
    {.name = "label", .shape = QN_SHAPE_TEXT, .required = true},
    {.name = "test", .shape = QN_SHAPE_NUMBER, .min = 0, .max = 1},
    {.name = "stratify", .shape = QN_SHAPE_BOOL},
    {.name = "cache", .shape = QN_SHAPE_BYTES},
};
static const struct qn_spec_keys fake_train_table = QN_KEYS("train job", fake_train_keys);

static const struct qn_job_ops fake_etl_ops = {
    .kind = "etl", .summary = "rows in, rows out", .keys = &fake_etl_table};
static const struct qn_job_ops fake_train_ops = {.kind = "train", .keys = &fake_train_table};
static const struct qn_job_ops *const fake_kinds[] = {&fake_etl_ops, &fake_train_ops, NULL};

static const char *const fake_suffixes[] = {".csv", ".tsv", NULL};
static const struct qn_source_ops fake_csv = {.format = "csv", .suffixes = fake_suffixes};
static const struct qn_source_ops *const fake_formats[] = {&fake_csv, NULL};

/* Reads a text that stands for /specs/spec.yaml. */
static inline qn_code fake_read(struct qn_spec *spec, struct qn_strv text,
                                const struct qn_setting *settings, uint32_t n_settings)
{
    return qn_spec_read(spec, "spec.yaml", text, "/specs", settings, n_settings, fake_kinds,
                        fake_formats, NULL);
}

#endif
