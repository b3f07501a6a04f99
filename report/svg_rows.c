#include "report/svg_rows.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "report/html.h"
#include "report/svg_plot.h"
#include "report/ticks.h"

/* The picture in the units of its viewBox. */
enum { WIDTH = 420, LEFT = 128, RIGHT = 408, TOP = 6, BELOW = 42, MOST_TICKS = 6 };
enum { NAME_CHARACTERS = 19 }; /* that fit before the frame */

static unsigned bottom(const struct qn_rows *rows)
{
    return TOP + rows->n * QN_ROWS_HEIGHT;
}

double qn_rows_x(const struct qn_rows *rows, double value)
{
    double at = (value - rows->low) / (rows->high - rows->low);
    return LEFT + (at > 0 ? (at < 1 ? at : 1) : 0) * (RIGHT - LEFT); /* NaN: the low end */
}

double qn_rows_y(uint32_t row)
{
    return TOP + (row + 0.5) * QN_ROWS_HEIGHT;
}

static void draw_axis(const struct qn_rows *rows, const char *label)
{
    char text[QN_PLOT_TICK];
    struct qn_ticks ticks = qn_ticks_choose(rows->low, rows->high, MOST_TICKS);
    for (uint32_t i = 0; i < ticks.n; i++) {
        double value = qn_ticks_at(&ticks, i), x = qn_rows_x(rows, value);
        qn_plot_tick_text(&ticks, value, QN_PLOT_NUMBER, text);
        qn_html_put(rows->out,
                    "<path class=\"grid\" d=\"M%.1f %uV%u\"/>"
                    "<text class=\"tick\" x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">%s</text>\n",
                    x, TOP, bottom(rows), x, bottom(rows) + 15, text);
    }
    qn_html_put(rows->out,
                "<text class=\"axis\" x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">%s</text>\n",
                (LEFT + RIGHT) / 2.0, bottom(rows) + 33, label);
}

void qn_rows_begin(struct qn_rows *rows, struct qn_buf *out, const char *title, const char *label,
                   double low, double high, uint32_t n)
{
    *rows = (struct qn_rows){.out = out, .low = low, .high = high, .n = n};
    qn_html_put(out,
                "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" "
                "role=\"img\" aria-label=\"%s\">\n",
                WIDTH, bottom(rows) + BELOW, title);
    draw_axis(rows, label);
    if (low <= 0 && high >= 0)
        qn_html_put(out, "<path class=\"frame\" d=\"M%.1f %uV%u\"/>\n", qn_rows_x(rows, 0), TOP,
                    bottom(rows));
    qn_html_put(out, "<path class=\"frame\" d=\"M%u %uH%u\"/>\n", LEFT, bottom(rows), RIGHT);
}

void qn_rows_end(struct qn_rows *rows)
{
    qn_html_put(rows->out, "</svg>\n");
}

/* At most NAME_CHARACTERS characters; the last is an ellipsis where some are left out. */
static void shorten(const char *name, char out[NAME_CHARACTERS * 4 + 8])
{
    struct qn_strv text = qn_strv_from(name);
    size_t at = 0, end = 0;
    for (uint32_t n = 0; at < text.len && n < NAME_CHARACTERS; n++) {
        end = n + 1 < NAME_CHARACTERS ? at : end;
        (void)qn_utf8_next(text, &at);
        end = n + 1 < NAME_CHARACTERS ? at : end;
    }
    if (at == text.len)
        snprintf(out, NAME_CHARACTERS * 4 + 8, "%.*s", (int)text.len, text.data);
    else
        snprintf(out, NAME_CHARACTERS * 4 + 8, "%.*s\u2026", (int)end, text.data);
}

void qn_rows_name(const struct qn_rows *rows, uint32_t row, const char *name, const char *note)
{
    char text[NAME_CHARACTERS * 4 + 8];
    shorten(name, text);
    qn_html_put(rows->out,
                "<text class=\"name\" x=\"%u\" y=\"%.1f\" text-anchor=\"end\">%s<title>%s: %s"
                "</title></text>\n",
                LEFT - 8, qn_rows_y(row) + 4, text, name, note);
}
