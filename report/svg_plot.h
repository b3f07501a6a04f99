/* svg_plot: a plot as inline SVG: a frame with two axes, and what is drawn into it.
 *
 *     qn_plot_begin(&plot, out, ...);  qn_plot_line(&plot, ...);  qn_plot_end(&plot);
 *
 * Colours and widths are the page's (report/style.c): what is drawn names a class. Coordinates have
 * one digit behind the point, so that a plot is the same bytes on any machine. */
#ifndef QN_REPORT_SVG_PLOT_H
#define QN_REPORT_SVG_PLOT_H

#include "base/buf.h"

enum qn_plot_scale { QN_PLOT_NUMBER, QN_PLOT_PERCENT, QN_PLOT_ENDS };

struct qn_plot_axis {
    const char *label; /* NULL: none */
    double low, high;  /* low < high */
    enum qn_plot_scale scale;
    const char *low_text, *high_text; /* of QN_PLOT_ENDS: an x axis with words at its ends alone */
};

struct qn_plot {
    struct qn_buf *out;
    struct qn_plot_axis x, y;
};

struct qn_plot_point {
    double x, y;
    const char *note; /* said when it is pointed at; NULL: nothing */
};

struct qn_plot_bar {
    double low, high; /* on the x axis */
    double value;     /* from 0 */
    const char *note; /* NULL: nothing */
};

/* A mark's number as text, with as many digits as tell neighbours apart. */
struct qn_ticks;
enum { QN_PLOT_TICK = 32 };
void qn_plot_tick_text(const struct qn_ticks *ticks, double value, enum qn_plot_scale scale,
                       char out[QN_PLOT_TICK]);

/* `title` is what a reader that sees nothing is told. */
void qn_plot_begin(struct qn_plot *plot, struct qn_buf *out, const char *title,
                   struct qn_plot_axis x, struct qn_plot_axis y);
void qn_plot_end(struct qn_plot *plot);

/* Points joined by straight lines. */
void qn_plot_line(struct qn_plot *plot, const char *style, const struct qn_plot_point *points,
                  uint32_t n);
void qn_plot_dots(struct qn_plot *plot, const char *style, const struct qn_plot_point *points,
                  uint32_t n);
void qn_plot_bars(struct qn_plot *plot, const char *style, const struct qn_plot_bar *bars,
                  uint32_t n);
/* The top ends of bars as an outline, where other bars are drawn already. */
void qn_plot_outline(struct qn_plot *plot, const char *style, const struct qn_plot_bar *bars,
                     uint32_t n);

/* A line of reference from one point to another. */
void qn_plot_rule(struct qn_plot *plot, const char *style, double x1, double y1, double x2,
                  double y2);

#endif
