#include "cli/rows.h"

#include <string.h>

#include "cli/cli.h"

qn_code qn_rows_json_fields(void *rows, int n, const char *const *names, const char *const *values)
{
    FILE *out = ((struct qn_rows *)rows)->out;
    for (int i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        qn_cli_json_text(out, names[i]);
        fprintf(out, ":%s", values[i] ? values[i] : "null");
    }
    return QN_OK;
}

qn_code qn_rows_json(void *context, int n, const char *const *names, const char *const *values)
{
    struct qn_rows *rows = context;
    fputs(rows->n++ ? ",{" : "{", rows->out);
    qn_code code = qn_rows_json_fields(rows, n, names, values);
    fputc('}', rows->out);
    return code;
}

const char *qn_rows_grouped(const char *digits, char out[QN_ROWS_NUMBER])
{
    size_t len = digits ? strlen(digits) : 0, n = 0;
    for (size_t i = 0; i < len && n + 2 < QN_ROWS_NUMBER; i++) {
        if (i && (len - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return n ? out : "0";
}
