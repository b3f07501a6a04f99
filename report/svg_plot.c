#include "report/svg_plot.h"

#include <math.h>
#include <stdio.h>

#include "report/html.h"
#include "report/ticks.h"

/* The picture, and the frame in it, in the units of its viewBox. */
enum { WIDTH = 360, HEIGHT = 250, LEFT = 52, RIGHT = 346, TOP = 10, BOTTOM = 206 };
enum { MOST_TICKS = 6 };

static double share(const struct qn_plot_axis *axis, double value)
{
    double at = (value - axis->low) / (axis->high - axis->low);
    return at > 0 ? (at < 1 ? at : 1) : 0; /* NaN: 0 */
}

static double place_x(const struct qn_plot *plot, double value)
{
    return LEFT + share(&plot->x, value) * (RIGHT - LEFT);
}

static double place_y(const struct qn_plot *plot, double value)
{
    return BOTTOM - share(&plot->y, value) * (BOTTOM - TOP);
}

/* --- axes ------------------------------------------------------------------------------------ */

void qn_plot_tick_text(const struct qn_ticks *ticks, double value, enum qn_plot_scale scale,
                       char out[QN_PLOT_TICK])
{
    double size = fmax(fabs(ticks->first), fabs(ticks->first + ticks->step * ticks->n));
    if (scale == QN_PLOT_PERCENT)
        snprintf(out, QN_PLOT_TICK, "%.*f%%", ticks->decimals > 2 ? ticks->decimals - 2 : 0,
                 100 * value);
    else if (size >= 1e6 || ticks->decimals > 6)
        snprintf(out, QN_PLOT_TICK, "%.4g", value);
    else
        snprintf(out, QN_PLOT_TICK, "%.*f", ticks->decimals, value);
}

static void draw_x(const struct qn_plot *plot)
{
    char text[QN_PLOT_TICK];
    struct qn_ticks ticks = qn_ticks_choose(plot->x.low, plot->x.high, MOST_TICKS);
    for (uint32_t i = 0; i < ticks.n && plot->x.scale != QN_PLOT_ENDS; i++) {
        double value = qn_ticks_at(&ticks, i), x = place_x(plot, value);
        qn_plot_tick_text(&ticks, value, plot->x.scale, text);
        qn_html_put(plot->out,
                    "<path class=\"grid\" d=\"M%.1f %uV%u\"/>"
                    "<text class=\"tick\" x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">%s</text>\n",
                    x, TOP, BOTTOM, x, BOTTOM + 15, text);
    }
    if (plot->x.scale == QN_PLOT_ENDS)
        qn_html_put(plot->out,
                    "<text class=\"tick\" x=\"%u\" y=\"%u\">%s</text>"
                    "<text class=\"tick\" x=\"%u\" y=\"%u\" text-anchor=\"end\">%s</text>\n",
                    LEFT, BOTTOM + 15, plot->x.low_text, RIGHT, BOTTOM + 15, plot->x.high_text);
    if (plot->x.label)
        qn_html_put(plot->out,
                    "<text class=\"axis\" x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">%s</text>\n",
                    (LEFT + RIGHT) / 2.0, HEIGHT - 8, plot->x.label);
}

static void draw_y(const struct qn_plot *plot)
{
    char text[QN_PLOT_TICK];
    struct qn_ticks ticks = qn_ticks_choose(plot->y.low, plot->y.high, MOST_TICKS);
    for (uint32_t i = 0; i < ticks.n; i++) {
        double value = qn_ticks_at(&ticks, i), y = place_y(plot, value);
        qn_plot_tick_text(&ticks, value, plot->y.scale, text);
        qn_html_put(plot->out,
                    "<path class=\"grid\" d=\"M%u %.1fH%u\"/>"
                    "<text class=\"tick\" x=\"%u\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                    LEFT, y, RIGHT, LEFT - 6, y + 3.5, text);
    }
    if (plot->y.label)
        qn_html_put(plot->out,
                    "<text class=\"axis\" transform=\"translate(12 %.1f) rotate(-90)\" "
                    "text-anchor=\"middle\">%s</text>\n",
                    (TOP + BOTTOM) / 2.0, plot->y.label);
}

void qn_plot_begin(struct qn_plot *plot, struct qn_buf *out, const char *title,
                   struct qn_plot_axis x, struct qn_plot_axis y)
{
    *plot = (struct qn_plot){.out = out, .x = x, .y = y};
    qn_html_put(out,
                "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
                "role=\"img\" aria-label=\"%s\">\n",
                WIDTH, HEIGHT, title);
    draw_x(plot);
    draw_y(plot);
    qn_html_put(out, "<path class=\"frame\" d=\"M%u %uV%uH%u\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
}

void qn_plot_end(struct qn_plot *plot)
{
    qn_html_put(plot->out, "</svg>\n");
}

/* --- what is drawn --------------------------------------------------------------------------- */

void qn_plot_line(struct qn_plot *plot, const char *style, const struct qn_plot_point *points,
                  uint32_t n)
{
    if (n == 0)
        return;
    qn_html_put(plot->out, "<path class=\"line %s\" d=\"", style);
    for (uint32_t i = 0; i < n; i++)
        qn_html_put(plot->out, i ? "L%.1f %.1f" : "M%.1f %.1f", place_x(plot, points[i].x),
                    place_y(plot, points[i].y));
    qn_html_put(plot->out, "\"/>\n");
}

/* Ends an element that may have a note inside. */
static void close_with(struct qn_buf *out, const char *element, const char *note)
{
    if (note)
        qn_html_put(out, "><title>%s</title></%s>\n", note, element);
    else
        qn_html_put(out, "/>\n");
}

void qn_plot_dots(struct qn_plot *plot, const char *style, const struct qn_plot_point *points,
                  uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        qn_html_put(plot->out, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"", style,
                    place_x(plot, points[i].x), place_y(plot, points[i].y));
        close_with(plot->out, "circle", points[i].note);
    }
}

void qn_plot_bars(struct qn_plot *plot, const char *style, const struct qn_plot_bar *bars,
                  uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        double left = place_x(plot, bars[i].low), right = place_x(plot, bars[i].high);
        double top = place_y(plot, bars[i].value), gap = right - left > 4 ? 1 : 0;
        qn_html_put(plot->out,
                    "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
                    style, left, top, right - left - gap, BOTTOM - top);
        close_with(plot->out, "rect", bars[i].note);
    }
}

void qn_plot_outline(struct qn_plot *plot, const char *style, const struct qn_plot_bar *bars,
                     uint32_t n)
{
    if (n == 0)
        return;
    qn_html_put(plot->out, "<path class=\"line %s\" d=\"M%.1f %.1f", style,
                place_x(plot, bars[0].low), place_y(plot, 0));
    double end = bars[0].low;
    for (uint32_t i = 0; i < n; i++) {
        if (bars[i].low > end + (bars[i].high - bars[i].low) / 2) /* bins without rows between */
            qn_html_put(plot->out, "V%.1fH%.1f", place_y(plot, 0), place_x(plot, bars[i].low));
        qn_html_put(plot->out, "V%.1fH%.1f", place_y(plot, bars[i].value),
                    place_x(plot, bars[i].high));
        end = bars[i].high;
    }
    qn_html_put(plot->out, "V%.1f\"/>\n", place_y(plot, 0));
}

void qn_plot_rule(struct qn_plot *plot, const char *style, double x1, double y1, double x2,
                  double y2)
{
    qn_html_put(plot->out, "<path class=\"line %s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", style,
                place_x(plot, x1), place_y(plot, y1), place_x(plot, x2), place_y(plot, y2));
}
