#include "report/html.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* XML takes no control characters but these, and no U+FFFE and U+FFFF. */
static bool may_appear(uint32_t point)
{
    if (point < 0x20)
        return point == '\t' || point == '\n';
    return point != QN_UTF8_BAD && (point < 0x7F || point > 0x9F) && point != 0xFFFE &&
           point != 0xFFFF;
}

void qn_html_text(struct qn_buf *out, const char *text)
{
    struct qn_strv whole = qn_strv_from(text);
    for (size_t at = 0; at < whole.len;) {
        size_t begin = at;
        uint32_t point = qn_utf8_next(whole, &at);
        if (point == '&')
            qn_buf_put(out, "&amp;", 5);
        else if (point == '<')
            qn_buf_put(out, "&lt;", 4);
        else if (point == '>')
            qn_buf_put(out, "&gt;", 4);
        else if (point == '"')
            qn_buf_put(out, "&#34;", 5);
        else if (point == '\'')
            qn_buf_put(out, "&#39;", 5);
        else if (may_appear(point))
            qn_buf_put(out, whole.data + begin, at - begin);
        else
            qn_buf_put(out, "\xEF\xBF\xBD", 3);
    }
}

/* One conversion, `at` behind its '%'; where the format goes on. */
static const char *put_value(struct qn_buf *out, const char *at, va_list *args)
{
    int digits = 6;
    if (*at == '.') {
        for (digits = 0, at++; *at >= '0' && *at <= '9'; at++)
            digits = 10 * digits + (*at - '0');
    }
    switch (*at) {
    case 's': qn_html_text(out, va_arg(*args, const char *)); break;
    case 'u': qn_buf_printf(out, "%u", va_arg(*args, unsigned)); break;
    case 'f': qn_buf_printf(out, "%.*f", digits, va_arg(*args, double)); break;
    case 'g': qn_buf_printf(out, "%.*g", digits, va_arg(*args, double)); break;
    case 'l':
        qn_buf_printf(out, "%llu", va_arg(*args, unsigned long long));
        at += 2; /* llu */
        break;
    default: assert(*at == '%'); qn_buf_put_u8(out, '%');
    }
    return at + 1;
}

void qn_html_put(struct qn_buf *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at;) {
        size_t n = strcspn(at, "%");
        qn_buf_put(out, at, n);
        at += n;
        if (*at == '%')
            at = put_value(out, at + 1, &args);
    }
    va_end(args);
}

/* Commas between the thousands of a whole number's digits. */
static const char *group(const char *digits, char out[QN_HTML_NUMBER])
{
    size_t sign = digits[0] == '-', len = strlen(digits), n = 0;
    for (size_t i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return out;
}

const char *qn_html_number(double value, char out[QN_HTML_NUMBER])
{
    char digits[32];
    double size = fabs(value);
    if (isnan(value)) {
        snprintf(out, QN_HTML_NUMBER, "\u2013");
    } else if (size < 1e15 && value == trunc(value)) {
        snprintf(digits, sizeof digits, "%.0f", value == 0 ? 0.0 : value);
        return group(digits, out);
    } else if (size >= 1e4 && size < 1e15) {
        snprintf(digits, sizeof digits, "%.0f", value);
        return group(digits, out);
    } else {
        snprintf(out, QN_HTML_NUMBER, "%.4g", value);
    }
    return out;
}
