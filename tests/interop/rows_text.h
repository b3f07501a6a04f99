/* Rows as lines that tell every value to its last bit, for comparing with what other programs read:
 * fields with tabs between; \N is NULL, a boolean 0 or 1, an integer its digits, a decimal without
 * its point, a date days and a timestamp microseconds since 1970, a double its bits and a text its
 * bytes in hexadecimal digits (a text after an x). */
#ifndef QN_TESTS_ROWS_TEXT_H
#define QN_TESTS_ROWS_TEXT_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/batch.h"

static inline void print_value(FILE *out, const struct qn_column *column, uint32_t row)
{
    uint64_t bits;
    if (!qn_is_valid(column, row)) {
        fputs("\\N", out);
        return;
    }
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: fputc(column->bools[row] ? '1' : '0', out); break;
    case QN_LAYOUT_I64: fprintf(out, "%" PRId64, column->i64[row]); break;
    case QN_LAYOUT_F64:
        memcpy(&bits, &column->f64[row], sizeof bits);
        fprintf(out, "%016" PRIx64, bits);
        break;
    case QN_LAYOUT_TEXT: {
        struct qn_strv text = qn_text_at(column, row);
        fputc('x', out);
        for (size_t i = 0; i < text.len; i++)
            fprintf(out, "%02x", (unsigned char)text.data[i]);
        break;
    }
    }
}

static inline void print_rows(FILE *out, const struct qn_batch *batch)
{
    for (uint32_t row = 0; row < batch->n_rows; row++)
        for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
            print_value(out, &batch->columns[c], row);
            fputc(c + 1 < batch->schema->n_fields ? '\t' : '\n', out);
        }
}

#endif
