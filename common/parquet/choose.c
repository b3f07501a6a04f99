#include "parquet/choose.h"

#include "parquet/storage.h"

enum {
    SAMPLE_RUNS = 2,
    RUN_VALUES = 1024,
    RUN_BYTES = 64 << 10, /* of texts, before encoding */
    CERTAIN_SHARE = 64,   /* values a different one, from which a dictionary is beyond doubt */
    WORTH_SHARE = 2,      /* fewer, and a dictionary is not tried */
    DICTIONARY_BYTES = 16 << 20, /* of texts: readers hold it whole */
};

void qn_pq_chooser_fini(struct qn_pq_chooser *chooser)
{
    qn_pq_distinct_fini(&chooser->distinct);
    qn_buf_fini(&chooser->encoded);
    qn_buf_fini(&chooser->compressed);
}

/* --- dictionaries ---------------------------------------------------------------------------- */

static uint32_t estimate(const struct qn_pq_gather *gather)
{
    uint32_t n = gather->n_values;
    if (gather->is_coded)
        return qn_pq_distinct_estimate_indexes(qn_pq_gather_indexes(gather), n);
    if (gather->type.id == QN_TEXT)
        return qn_pq_distinct_estimate_texts(qn_pq_gather_texts(gather, 0, n));
    return qn_pq_distinct_estimate_words((const uint64_t *)qn_pq_gather_ints(gather), n);
}

/* False when there are more than `most` different values. */
static qn_code number_values(struct qn_pq_chooser *chooser, const struct qn_pq_gather *gather,
                             const int64_t ints[2], uint32_t most, bool *done, struct qn_err *err)
{
    struct qn_pq_distinct *d = &chooser->distinct;
    const int64_t *values = qn_pq_gather_ints(gather);
    uint32_t n = gather->n_values;
    switch (qn_type_layout(gather->type)) {
    case QN_LAYOUT_TEXT:
        *done = qn_pq_distinct_texts(d, qn_pq_gather_texts(gather, 0, n), most);
        break;
    case QN_LAYOUT_I64: *done = qn_pq_distinct_ints(d, values, n, most, ints[0], ints[1]); break;
    default: *done = qn_pq_distinct_words(d, (const uint64_t *)values, n, most); break;
    }
    bool failed = d->slots.failed || d->indexes.failed || d->firsts.failed || d->words.failed;
    return failed ? qn_err_nomem(err, "the dictionary of a column chunk") : QN_OK;
}

static struct qn_pq_choice by_dictionary(const struct qn_pq_chooser *chooser,
                                         const struct qn_pq_gather *gather)
{
    const struct qn_pq_distinct *d = &chooser->distinct;
    if (gather->is_coded)
        return (struct qn_pq_choice){.encoding = QN_PQ_RLE_DICTIONARY,
                                     .indexes = qn_pq_gather_indexes(gather),
                                     .n_entries = gather->n_entries};
    return (struct qn_pq_choice){.encoding = QN_PQ_RLE_DICTIONARY,
                                 .indexes = (const uint32_t *)(const void *)d->indexes.data,
                                 .firsts = (const uint32_t *)(const void *)d->firsts.data,
                                 .n_entries = d->n};
}

/* A dictionary when there is one that may be worth it. */
static qn_code try_dictionary(struct qn_pq_chooser *chooser, struct qn_pq_gather *gather,
                              const int64_t ints[2], bool *certain, struct qn_pq_choice *out,
                              struct qn_err *err)
{
    uint32_t n = gather->n_values;
    bool worth = gather->type.id != QN_BOOL && n > 0 && estimate(gather) <= n / WORTH_SHARE;
    *certain = worth && gather->is_coded && (uint64_t)gather->n_entries * CERTAIN_SHARE <= n;
    if (*certain) {
        *out = by_dictionary(chooser, gather);
        return QN_OK;
    }
    QN_TRY(qn_pq_gather_spell_out(gather, err));
    if (!worth)
        return QN_OK;
    bool done = false;
    QN_TRY(number_values(chooser, gather, ints, n / WORTH_SHARE, &done, err));
    if (done)
        *out = by_dictionary(chooser, gather);
    *certain = done && (uint64_t)out->n_entries * CERTAIN_SHARE <= n;
    return QN_OK;
}

/* --- a sample -------------------------------------------------------------------------------- */

struct run {
    uint32_t from, n;
};

static uint32_t sample_runs(const struct qn_pq_gather *gather, struct run runs[SAMPLE_RUNS])
{
    uint32_t n = gather->n_values, each = RUN_VALUES;
    if (gather->type.id == QN_TEXT && n) {
        size_t mean = gather->values.len / n + 1;
        each = mean * each > RUN_BYTES ? (uint32_t)(RUN_BYTES / mean) + 1 : each;
    }
    if (n <= SAMPLE_RUNS * each) {
        runs[0] = (struct run){0, n};
        return 1;
    }
    for (uint32_t i = 0; i < SAMPLE_RUNS; i++)
        runs[i] = (struct run){(uint32_t)((uint64_t)n * (2 * i + 1) / (2 * SAMPLE_RUNS)) - each / 2,
                               each};
    return SAMPLE_RUNS;
}

struct size {
    double encoded, stored; /* bytes a value */
};

static qn_code measure(struct qn_pq_chooser *chooser, const struct qn_pq_gather *gather,
                       int32_t encoding, struct size *out, struct qn_err *err)
{
    struct run runs[SAMPLE_RUNS];
    uint32_t n_runs = sample_runs(gather, runs), n = 0;
    qn_buf_clear(&chooser->encoded);
    qn_buf_clear(&chooser->compressed);
    for (uint32_t i = 0; i < n_runs; i++) {
        qn_pq_storage_encode(gather, encoding, runs[i].from, runs[i].n, &chooser->encoded);
        n += runs[i].n;
    }
    QN_TRY(qn_buf_check(&chooser->encoded, "a sample of a column chunk", err));
    size_t stored = chooser->encoded.len;
    if (chooser->options->codec != QN_BLOCK_NONE) {
        QN_TRY(qn_block_compress(chooser->blocks, chooser->options->codec, chooser->options->level,
                                 qn_buf_strv(&chooser->encoded), &chooser->compressed, err));
        stored = chooser->compressed.len;
    }
    *out = (struct size){(double)chooser->encoded.len / n, (double)stored / n};
    return QN_OK;
}

/* Bytes a value of indexes: packed, or by runs where the sample has long ones. */
static double index_bytes(const struct qn_pq_choice *choice, const struct qn_pq_gather *gather)
{
    struct run runs[SAMPLE_RUNS];
    uint32_t n_runs = sample_runs(gather, runs), n = 0, n_heads = 0;
    for (uint32_t i = 0; i < n_runs; i++) {
        const uint32_t *indexes = choice->indexes + runs[i].from;
        for (uint32_t k = 1; k < runs[i].n; k++)
            n_heads += indexes[k] != indexes[k - 1];
        n += runs[i].n;
    }
    double width = qn_pq_index_width(choice->n_entries) / 8.0;
    double by_runs = (n_heads + 1) * (width + 2) / n;
    return by_runs < width ? by_runs : width;
}

static double dictionary_bytes(const struct qn_pq_choice *choice, const struct qn_pq_gather *gather,
                               struct size plain)
{
    double entries = plain.stored * choice->n_entries;
    return entries / gather->n_values + index_bytes(choice, gather);
}

/* --- all of them ----------------------------------------------------------------------------- */

/* What else there is, and how much smaller it has to be than values as they are: readers take
 * longer for it. */
static const struct candidate {
    int32_t encoding;
    double cost;
} candidates[] = {
    {QN_PQ_DELTA_BINARY_PACKED, 1.02},
    {QN_PQ_DELTA_LENGTH_BYTE_ARRAY, 1.02},
    {QN_PQ_DELTA_BYTE_ARRAY, 1.10},
    {QN_PQ_BYTE_STREAM_SPLIT, 1.05},
    {QN_PQ_RLE, 1.02},
};
enum { N_CANDIDATES = sizeof candidates / sizeof candidates[0] };

static qn_code by_measure(struct qn_pq_chooser *chooser, const struct qn_pq_gather *gather,
                          struct qn_pq_choice *choice, struct qn_err *err)
{
    struct size plain, size;
    QN_TRY(measure(chooser, gather, QN_PQ_PLAIN, &plain, err));
    double best = plain.stored;
    bool has_dictionary = choice->encoding == QN_PQ_RLE_DICTIONARY &&
                          choice->n_entries * plain.encoded <= DICTIONARY_BYTES;
    int32_t encoding = QN_PQ_PLAIN;
    for (int i = 0; i < N_CANDIDATES; i++) {
        if (!qn_pq_storage_takes(gather->type, candidates[i].encoding))
            continue;
        QN_TRY(measure(chooser, gather, candidates[i].encoding, &size, err));
        if (size.stored * candidates[i].cost < best) {
            best = size.stored * candidates[i].cost;
            encoding = candidates[i].encoding;
        }
    }
    if (!has_dictionary || dictionary_bytes(choice, gather, plain) > best)
        *choice = (struct qn_pq_choice){.encoding = encoding};
    return QN_OK;
}

static qn_code as_told(struct qn_pq_chooser *chooser, struct qn_pq_gather *gather,
                       const int64_t ints[2], struct qn_pq_choice *out, struct qn_err *err)
{
    int32_t encoding = chooser->options->encoding;
    bool done = true;
    if (!qn_pq_storage_takes(gather->type, encoding))
        encoding = QN_PQ_PLAIN;
    *out = (struct qn_pq_choice){.encoding = encoding};
    if (encoding != QN_PQ_RLE_DICTIONARY)
        return qn_pq_gather_spell_out(gather, err);
    if (!gather->is_coded)
        QN_TRY(number_values(chooser, gather, ints, gather->n_values, &done, err));
    if (done)
        *out = by_dictionary(chooser, gather);
    else
        out->encoding = QN_PQ_PLAIN;
    return QN_OK;
}

qn_code qn_pq_choose(struct qn_pq_chooser *chooser, struct qn_pq_gather *gather,
                     const int64_t ints[2], struct qn_pq_choice *out, struct qn_err *err)
{
    if (chooser->options->encoding != QN_PQ_NONE)
        return as_told(chooser, gather, ints, out, err);
    bool certain;
    *out = (struct qn_pq_choice){.encoding = QN_PQ_PLAIN};
    QN_TRY(try_dictionary(chooser, gather, ints, &certain, out, err));
    if (certain || gather->n_values == 0)
        return QN_OK;
    return by_measure(chooser, gather, out, err);
}
