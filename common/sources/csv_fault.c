#include "sources/csv_fault.h"

#include <stdio.h>

#include "base/limits.h"
#include "sources/csv_escape.h"
#include "sources/text_lines.h"

enum { MAX_SHOWN_BYTES = 60 };

/* The start of a value, as people can read it in one line. */
static void show_value(const struct qn_csv_dialect *dialect, const char *bytes,
                       struct qn_csv_field field, char out[3 * MAX_SHOWN_BYTES + 8])
{
    struct qn_strv s = {bytes + field.at, field.flags & QN_CSV_LENGTH};
    bool cut = s.len > MAX_SHOWN_BYTES;
    if (cut) {
        s.len = MAX_SHOWN_BYTES;
        while (s.len && ((unsigned char)s.data[s.len] & 0xC0) == 0x80)
            s.len--; /* not in the middle of a character */
    }
    char plain[MAX_SHOWN_BYTES];
    if (field.flags & QN_CSV_ESCAPED) {
        s.len = qn_csv_unescape(dialect, s, plain);
        s.data = plain;
    }
    struct qn_buf clean;
    qn_buf_init(&clean);
    qn_text_clean(&clean, s);
    snprintf(out, 3 * MAX_SHOWN_BYTES + 8, "%.*s%s", QN_STRV_ARG(qn_buf_strv(&clean)),
             cut ? "..." : "");
    qn_buf_fini(&clean);
    for (char *c = out; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
}

void qn_csv_fault_describe(const struct qn_csv_dialect *dialect, const char *bytes,
                           const struct qn_csv_record *record, const struct qn_field *of,
                           struct qn_csv_field field, struct qn_csv_complaint *out)
{
    char type[QN_TYPE_NAME], value[3 * MAX_SHOWN_BYTES + 8];
    out->column = NULL;
    out->rule = "quote";
    out->message[0] = '\0';
    switch (record->fault) {
    case QN_CSV_GOOD: break;
    case QN_CSV_COLUMNS:
        out->rule = "columns";
        snprintf(out->message, QN_CSV_MESSAGE, "expected %u field%s, got %u", dialect->n_fields,
                 dialect->n_fields == 1 ? "" : "s", record->n_fields);
        break;
    case QN_CSV_STRAY_QUOTE:
        snprintf(out->message, QN_CSV_MESSAGE, "quote inside an unquoted field");
        break;
    case QN_CSV_JUNK: snprintf(out->message, QN_CSV_MESSAGE, "text after a closing quote"); break;
    case QN_CSV_UNTERMINATED:
        snprintf(out->message, QN_CSV_MESSAGE, "quoted field is never closed");
        break;
    case QN_CSV_NUL:
        out->rule = "encoding";
        snprintf(out->message, QN_CSV_MESSAGE, "NUL byte");
        break;
    case QN_CSV_NOT_UTF8:
        out->rule = "encoding";
        if (qn_text_encoding_unit(dialect->encoding) == 2)
            snprintf(out->message, QN_CSV_MESSAGE, "not valid UTF-16 (half of a character)");
        else
            snprintf(out->message, QN_CSV_MESSAGE, "not valid UTF-8 (byte 0x%02X)",
                     (unsigned char)bytes[record->fault_at]);
        break;
    case QN_CSV_LONG_FIELD:
        out->rule = "limit";
        snprintf(out->message, QN_CSV_MESSAGE, "field longer than %d bytes", QN_MAX_FIELD_BYTES);
        break;
    case QN_CSV_LONG_RECORD:
        out->rule = "limit";
        snprintf(out->message, QN_CSV_MESSAGE, "record longer than %d bytes", QN_MAX_RECORD_BYTES);
        break;
    case QN_CSV_TYPE:
        out->rule = "type";
        out->column = of->name;
        show_value(dialect, bytes, field, value);
        snprintf(out->message, QN_CSV_MESSAGE, "expected %s, got '%s'",
                 qn_type_name(of->type, type), value);
        break;
    }
}

void qn_csv_fault_place(const char *bytes, const struct qn_csv_record *record, uint64_t *line,
                        uint64_t *column)
{
    uint32_t at = record->fault_at > record->at ? record->fault_at : record->at;
    bool after_cr = false;
    *line = qn_text_count_lines(bytes + record->at, at - record->at, &after_cr);
    *column = 1;
    for (uint32_t i = at; i > record->at && bytes[i - 1] != '\n' && bytes[i - 1] != '\r'; i--)
        *column += ((unsigned char)bytes[i - 1] & 0xC0) != 0x80;
}
