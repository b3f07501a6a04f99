#include "sources/csv_sniff.h"

#include "base/limits.h"
#include "flow/suffix.h"

enum { SAMPLE_BYTES = 128 << 10, SAMPLE_RECORDS = 500, MAX_TITLE_LINES = 10, STORED_FIELDS = 64 };

/* How a sample looks under a dialect. */
struct shape {
    uint32_t records, fields, count; /* `count` of the records have `fields` fields */
    uint32_t single;                 /* records of one field */
    uint32_t quoted, escaped;        /* fields that are, and that hold escapes */
    uint32_t score;                  /* per mille of the records that have `fields` */
};

struct sample {
    const char *bytes;
    size_t len;
    bool final;
};

static void pick_modal(struct shape *shape, const uint32_t counts[], uint32_t first)
{
    shape->fields = first;
    shape->count = counts[first];
    for (uint32_t n = 1; n <= QN_MAX_COLUMNS; n++)
        if (counts[n] > shape->count) {
            shape->count = counts[n];
            shape->fields = n;
        }
    if (shape->records)
        shape->score = shape->count * 1000 / shape->records;
}

static struct shape measure(const struct sample *sample, const struct qn_csv_dialect *dialect)
{
    uint32_t counts[QN_MAX_COLUMNS + 1] = {0}, first = 1;
    struct shape shape = {0};
    struct qn_csv_scanner scanner;
    qn_csv_scanner_init(&scanner, dialect, sample->bytes, sample->len, sample->final);
    struct qn_csv_record record;
    struct qn_csv_field fields[STORED_FIELDS];
    while (shape.records < SAMPLE_RECORDS &&
           qn_csv_scanner_next(&scanner, fields, STORED_FIELDS, &record) == QN_CSV_RECORD) {
        uint32_t n = record.n_fields <= QN_MAX_COLUMNS ? record.n_fields : 0;
        if (shape.records++ == 0 && n)
            first = n;
        if (record.fault)
            continue;
        counts[n]++;
        shape.single += n == 1;
        for (uint32_t i = 0; i < n && i < STORED_FIELDS; i++) {
            shape.quoted += (fields[i].flags & QN_CSV_QUOTED) != 0;
            shape.escaped += (fields[i].flags & QN_CSV_ESCAPED) != 0;
        }
    }
    pick_modal(&shape, counts, first);
    /* Commas in the prose of a single column do not make it several. */
    if (shape.fields > 1 && shape.score < 600 && shape.single * 2 >= shape.records)
        shape.fields = 1;
    return shape;
}

static bool occurs(const struct sample *sample, char c)
{
    return sample->len && memchr(sample->bytes, c, sample->len);
}

/* The best quote and escape for a delimiter. Single quotes must be better than double ones, or be
 * used where double ones are not. */
static struct shape try_delimiter(const struct qn_source_options *options,
                                  const struct sample *sample, struct qn_csv_dialect *dialect)
{
    struct shape best = {0};
    struct qn_csv_dialect winner = *dialect;
    const char quotes[] = {'"', '\''};
    bool one_quote = options->quote || options->no_quote || !occurs(sample, '\'');
    bool one_escape = options->escape || options->no_quote || !occurs(sample, '\\');
    for (unsigned q = 0; q < (one_quote ? 1 : 2); q++) {
        for (unsigned e = 0; e < (one_escape ? 1 : 2); e++) {
            struct qn_csv_dialect trial = *dialect;
            trial.quote = options->no_quote ? '\0' : options->quote ? options->quote : quotes[q];
            trial.escape = options->escape ? options->escape : e ? '\\' : '\0';
            if (trial.escape == trial.quote)
                trial.escape = '\0';
            if (qn_csv_dialect_complaint(&trial))
                continue;
            struct shape shape = measure(sample, &trial);
            if ((q && !shape.quoted) || (e && !shape.escaped))
                continue; /* not in use: apostrophes and backslashes are plain text */
            bool better = shape.fields > 1 && best.fields <= 1 ? true
                          : shape.score != best.score          ? shape.score > best.score
                          : shape.fields != best.fields        ? shape.fields > best.fields
                                                               : shape.quoted && !best.quoted;
            if ((q == 0 && e == 0) || better) {
                best = shape;
                winner = trial;
            }
        }
    }
    *dialect = winner;
    return best;
}

static bool is_better(struct shape a, struct shape b, uint32_t declared)
{
    bool a_fits = declared && a.fields == declared, b_fits = declared && b.fields == declared;
    if (a_fits != b_fits)
        return a_fits;
    if ((a.fields > 1) != (b.fields > 1))
        return a.fields > 1;
    if (a.fields <= 1)
        return false;
    return a.score != b.score ? a.score > b.score : a.fields > b.fields;
}

static struct shape sniff_characters(const struct qn_source_options *options,
                                     const struct sample *sample, struct qn_csv_dialect *dialect)
{
    static const char *const tabbed[] = {".tsv", NULL};
    bool tabs = qn_suffix_is(options->paths[0], tabbed);
    const char candidates[] = {tabs ? '\t' : ',', tabs ? ',' : '\t', ';', '|'};
    uint32_t declared = options->header == 0 ? options->n_columns : 0;
    struct qn_csv_dialect trial = *dialect;
    trial.delimiter = options->delimiter ? options->delimiter : candidates[0];
    struct shape best = try_delimiter(options, sample, &trial);
    *dialect = trial;
    for (unsigned i = 1; !options->delimiter && i < sizeof candidates; i++) {
        trial.delimiter = candidates[i];
        trial.quote = trial.escape = '\0';
        struct shape shape = try_delimiter(options, sample, &trial);
        if (is_better(shape, best, declared)) {
            best = shape;
            *dialect = trial;
        }
    }
    return best;
}

/* Titles above the table: a few lines of one field before records that all have more. */
static uint64_t sniff_titles(const struct sample *sample, const struct qn_csv_dialect *dialect,
                             const struct shape *shape)
{
    if (shape->fields < 2 || shape->count < 2)
        return 0;
    struct qn_csv_scanner scanner;
    qn_csv_scanner_init(&scanner, dialect, sample->bytes, sample->len, sample->final);
    struct qn_csv_record record;
    for (unsigned i = 0; i <= MAX_TITLE_LINES; i++) {
        if (qn_csv_scanner_next(&scanner, NULL, 0, &record) != QN_CSV_RECORD)
            return 0;
        if (record.n_fields == shape->fields && !record.fault)
            return i ? record.line : 0;
        if (record.n_fields != 1 || record.fault)
            return 0;
    }
    return 0;
}

void qn_csv_sniff(const struct qn_source_options *options, const char *bytes, size_t len,
                  bool final, struct qn_csv_dialect *dialect, uint32_t *n_fields)
{
    struct sample sample = {bytes, len, final};
    if (len > SAMPLE_BYTES)
        sample = (struct sample){bytes, SAMPLE_BYTES, false};
    dialect->comment = options->comment;
    struct shape shape = sniff_characters(options, &sample, dialect);
    if (!options->comment && len && bytes[0] == '#') {
        struct qn_csv_dialect trial = {.comment = '#'};
        struct shape with = sniff_characters(options, &sample, &trial);
        if (with.score > shape.score || (with.fields > 1 && shape.fields <= 1)) {
            shape = with;
            dialect->comment = '#';
            dialect->delimiter = trial.delimiter;
            dialect->quote = trial.quote;
            dialect->escape = trial.escape;
        }
    }
    if (options->skip_rows < 0)
        dialect->skip_rows = sniff_titles(&sample, dialect, &shape);
    *n_fields = shape.fields ? shape.fields : 1;
}

/* --- the header ------------------------------------------------------------------------------ */

static struct qn_type type_of(struct qn_strv text)
{
    struct qn_text_evidence one = {0};
    struct qn_strv trimmed = qn_strv_trim(text);
    if (trimmed.len)
        qn_text_evidence_add(&one, trimmed);
    return qn_text_evidence_type(&one);
}

static bool any_repeated(const struct qn_strv *texts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (qn_strv_eq(texts[i], texts[k]))
                return true;
    return false;
}

bool qn_csv_sniff_header(const struct qn_strv *first, const struct qn_text_evidence *rest,
                         uint32_t n_fields)
{
    uint32_t empty = 0, typed = 0, names_over_values = 0, repeated = 0;
    uint64_t values = 0;
    uint32_t n_named = n_fields; /* without the empty names that trailing delimiters leave */
    while (n_named > 0 && qn_strv_trim(first[n_named - 1]).len == 0)
        n_named--;
    for (uint32_t i = 0; i < n_fields; i++) {
        bool is_empty = qn_strv_trim(first[i]).len == 0;
        bool is_typed = type_of(first[i]).id != QN_TEXT;
        empty += is_empty && i < n_named;
        typed += is_typed;
        names_over_values +=
            !is_empty && !is_typed && qn_text_evidence_type(&rest[i]).id != QN_TEXT;
        repeated += rest[i].repeats_first;
        values += rest[i].values;
    }
    if (n_named == 0)
        return n_fields > 1 && values > 0;
    if (names_over_values)
        return true;
    return !typed && !empty && !repeated && !any_repeated(first, n_named);
}
