#include "sources/csv_escape.h"

size_t qn_csv_unescape(const struct qn_csv_dialect *dialect, struct qn_strv field, char *out)
{
    char mark = dialect->escape ? dialect->escape : dialect->quote;
    size_t n = 0;
    for (size_t i = 0; i < field.len; i++) {
        if (field.data[i] == mark && i + 1 < field.len &&
            (field.data[i + 1] == dialect->quote || field.data[i + 1] == mark))
            i++;
        out[n++] = field.data[i];
    }
    return n;
}
