/* svg_rows: a plot with a row a name, along one axis of numbers, as inline SVG. Classes are the
 * page's (report/style.c); coordinates have one digit behind the point.
 *
 *     qn_rows_begin(&rows, out, ...);  what is drawn by qn_rows_x() and qn_rows_y();  qn_rows_end()
 */
#ifndef QN_REPORT_SVG_ROWS_H
#define QN_REPORT_SVG_ROWS_H

#include "base/buf.h"

enum { QN_ROWS_HEIGHT = 22 }; /* of one row */

struct qn_rows {
    struct qn_buf *out;
    double low, high; /* low < high */
    uint32_t n;
};

/* The frame, with the axis below; and a line at 0 when that is within. `title` is what a reader
 * that sees nothing is told; `label` what the axis is. */
void qn_rows_begin(struct qn_rows *rows, struct qn_buf *out, const char *title, const char *label,
                   double low, double high, uint32_t n);
void qn_rows_end(struct qn_rows *rows);

/* A row's name before it, shortened where it is long; its `note` is said when it is pointed at. */
void qn_rows_name(const struct qn_rows *rows, uint32_t row, const char *name, const char *note);

/* Places in the picture: of a value, at an end of the axis when it is beyond; of a row's middle. */
double qn_rows_x(const struct qn_rows *rows, double value);
double qn_rows_y(uint32_t row);

#endif
