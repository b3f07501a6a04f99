#include "sources/csv_infer.h"

#include "sources/csv_escape.h"

static void add_field(const struct qn_csv_dialect *dialect, const struct qn_null_texts *nulls,
                      struct qn_text_evidence *evidence, struct qn_strv s, bool escaped)
{
    char plain[QN_TEXT_LONGEST_TYPED];
    if (escaped && s.len <= QN_TEXT_LONGEST_TYPED)
        s = (struct qn_strv){plain, qn_csv_unescape(dialect, s, plain)};
    struct qn_strv trimmed = qn_strv_trim(s);
    if (evidence->first.len && qn_strv_eq(evidence->first, s))
        evidence->repeats_first = true;
    if (trimmed.len == 0 || qn_null_texts_has(nulls, s) || qn_null_texts_has(nulls, trimmed))
        return;
    qn_text_evidence_add(evidence, trimmed);
}

void qn_csv_evidence_scan(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                          bool final, const uint32_t *field_of, uint64_t max_records,
                          struct qn_csv_field *fields, struct qn_text_evidence *evidence)
{
    struct qn_csv_scanner scanner;
    qn_csv_scanner_init(&scanner, dialect, bytes, len, final);
    struct qn_csv_record record;
    for (uint64_t i = 0; i < max_records; i++) {
        if (qn_csv_scanner_next(&scanner, fields, dialect->n_fields, &record) != QN_CSV_RECORD)
            return;
        if (record.fault || record.n_fields != dialect->n_fields)
            continue;
        for (uint32_t c = 0; c < dialect->n_fields; c++) {
            struct qn_csv_field field = fields[field_of ? field_of[c] : c];
            add_field(dialect, &dialect->nulls[c], &evidence[c],
                      (struct qn_strv){bytes + field.at, field.flags & QN_CSV_LENGTH},
                      (field.flags & QN_CSV_ESCAPED) != 0);
        }
    }
}
