/* bins: how the values of a feature become codes of one byte, fitted on training rows only.
 *
 *   numeric      code 0: missing; code i + 1: above bounds[i - 1] and at most bounds[i]. Bounds
 *                stand between values of a sample of rows (sample.h), each of them a float32, so
 *                that a library which compares in that precision routes every row alike. A value
 *                with more than its share of rows has a code of its own.
 *   categorical  code 0: missing, unseen, or too rare for a code; code i + 1: categories[i], by
 *                falling frequency, bytewise where that ties.
 *
 * Features with few codes share a column: its byte is sum(code x factor). A histogram of a column
 * then costs one addition a row however many features it holds, and theirs are sums of it. A
 * feature of more categories than a byte tells apart has several columns, its pages: the byte of
 * page p is code - p QN_BIN_PAGE where that is one of 1 to QN_BIN_PAGE, else 0. */
#ifndef QN_JOBS_LEARN_BINS_H
#define QN_JOBS_LEARN_BINS_H

#include "base/arena.h"
#include "base/buf.h"
#include "jobs/learn/categories.h"
#include "jobs/learn/fit.h"

enum { QN_BIN_CODES = 256, QN_BIN_MISSING = 0 };
enum {
    QN_BIN_PAGE = QN_BIN_CODES - 1,
    QN_BIN_PAGES = 4,
    QN_BIN_MOST_CODES = 1 + QN_BIN_PAGES * QN_BIN_PAGE, /* of a categorical feature */
    QN_BIN_SET_WORDS = (QN_BIN_MOST_CODES + 63) / 64
};
#define QN_BIN_ZERO ((double)1e-35F) /* what LightGBM takes for zero */

struct qn_bin_feature {
    const char *name;
    struct qn_type type;
    bool categorical, refuse_unknown;
    bool zero_missing;          /* numbers within QN_BIN_ZERO of 0 count as missing: of imported
                                   models alone, never packed */
    uint64_t rows, missing;     /* training rows, and those of them that had no value */
    uint32_t n_codes;           /* 1 + bounds + 1 (numeric), 1 + categories; 1: no values at all */
    double *bounds;             /* [n_codes - 2], ascending */
    struct qn_strv *categories; /* [n_codes - 1], NUL-terminated */
    uint32_t first;             /* of its cells in a histogram: n_codes of them */
    uint32_t column, factor;    /* factor is 1 where it has several columns */
    uint32_t more;              /* column of its second page; those of others follow */
};

struct qn_bins {
    struct qn_arena arena;
    struct qn_bin_feature *features;
    uint32_t n_features;
    uint64_t rows[2];       /* training rows by class */
    uint32_t n_cells;       /* of a histogram: codes of all features */
    uint32_t n_columns;     /* bytes a row */
    uint32_t *column_codes; /* [n_columns]: codes of a column, at most 256 */
    uint32_t *column_first; /* [n_columns]: of its cells in a histogram by column */
    uint32_t n_column_cells;
};

static inline uint32_t qn_bin_pages(const struct qn_bin_feature *feature)
{
    return feature->n_codes <= QN_BIN_CODES ? 1 : (feature->n_codes - 2) / QN_BIN_PAGE + 1;
}

static inline uint32_t qn_bin_column(const struct qn_bin_feature *feature, uint32_t page)
{
    return page ? feature->more + page - 1 : feature->column;
}

/* What a page tells apart: its categories, and all else. */
static inline uint32_t qn_bin_page_codes(const struct qn_bin_feature *feature, uint32_t page)
{
    uint32_t left = feature->n_codes - page * QN_BIN_PAGE;
    return left < QN_BIN_CODES ? left : QN_BIN_CODES;
}

/* The code that the byte of a page's column stands for; 0: missing, or of another page. */
static inline uint32_t qn_bin_code_in(const struct qn_bin_feature *feature, uint32_t page,
                                      uint32_t byte)
{
    uint32_t code = byte / feature->factor % qn_bin_page_codes(feature, page);
    return code ? page * QN_BIN_PAGE + code : QN_BIN_MISSING;
}

/* A row's code of the feature. */
static inline uint32_t qn_bin_code(const struct qn_bin_feature *feature, const uint8_t *row)
{
    uint32_t code = QN_BIN_MISSING, n = qn_bin_pages(feature);
    for (uint32_t page = 0; page < n && code == QN_BIN_MISSING; page++)
        code = qn_bin_code_in(feature, page, row[qn_bin_column(feature, page)]);
    return code;
}

void qn_bins_init(struct qn_bins *bins);
void qn_bins_fini(struct qn_bins *bins);

struct qn_bin_params {
    uint32_t max_bins;        /* codes with a value: 2..255; categories may be more */
    uint32_t min_data_in_bin; /* rows of the sample that a numeric code holds at least */
};

/* From what a fit gathered whose plan samples; into initialised bins (finish them also on
 * failure). */
QN_CHECK qn_code qn_bins_fit(struct qn_fit *fit, const struct qn_bin_params *params,
                             struct qn_bins *bins, struct qn_err *err);
/* Bounds for ascending values, of which the i-th comes rows[i] times. Returns how many. `bounds`
 * has room for max_bins - 1. */
uint32_t qn_bin_bounds(const double *values, const uint32_t *rows, uint32_t n,
                       const struct qn_bin_params *params, double *bounds);

/* Deals features to columns and cells, once n_codes are set. `apart`: each has columns of its own,
 * the f-th begins with the f-th, as scoring needs it. */
QN_CHECK qn_code qn_bins_lay_out(struct qn_bins *bins, bool apart, struct qn_err *err);
/* What every reader of bins must hold to. */
bool qn_bins_are_sound(const struct qn_bins *bins);

void qn_bins_pack(struct qn_buf *out, const struct qn_bins *bins);
/* Into initialised bins (finish them also on failure); QN_EWIRE on bytes that no pack wrote. */
QN_CHECK qn_code qn_bins_unpack(struct qn_strv bytes, struct qn_bins *bins, struct qn_err *err);

/* Turns rows of batches into bytes. */
struct qn_binner {
    const struct qn_bins *bins;       /* borrowed */
    struct qn_categories *categories; /* by feature; of numeric ones empty */
    double *scratch;
    uint32_t scratch_rows;
};
/* Finish it also on failure. */
QN_CHECK qn_code qn_binner_init(struct qn_binner *binner, const struct qn_bins *bins,
                                struct qn_err *err);
void qn_binner_fini(struct qn_binner *binner);

/* Rows rows[0..n) of columns (by feature) into `out`, n x n_columns bytes, row after row. QN_EINPUT
 * (blame input) on numbers that are not finite and on unseen categories where they are refused. */
QN_CHECK qn_code qn_binner_take(struct qn_binner *binner, const struct qn_column *const *columns,
                                const uint32_t *rows, uint32_t n, uint8_t *out, struct qn_err *err);

#endif
