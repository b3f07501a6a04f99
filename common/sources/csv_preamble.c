#include "sources/csv_preamble.h"

#include "base/limits.h"
#include "sources/text_lines.h"

enum { FIRST_BYTES = 64 << 10, STEP_BYTES = 1 << 20 };

/* What `bytes` tell of the preamble; false when more of the file is needed. */
static bool parse(const char *bytes, size_t len, bool final, const struct qn_csv_dialect *dialect,
                  struct qn_csv_field *fields, uint32_t capacity, struct qn_csv_preamble *out)
{
    size_t at = len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *out = (struct qn_csv_preamble){0};
    for (uint64_t i = 0; i < dialect->skip_rows && at < len; i++) {
        at += qn_text_find_line_end(bytes + at, len - at);
        if (at + 1 >= len && !final)
            return false;
        if (at < len && bytes[at] == '\r' && at + 1 < len && bytes[at + 1] == '\n')
            at++;
        out->lines += at < len;
        at += at < len;
    }
    struct qn_csv_scanner scanner;
    qn_csv_scanner_init(&scanner, dialect, bytes + at, len - at, final);
    scanner.blank_lines = false; /* no header is empty */
    if (dialect->header) {
        enum qn_csv_step step = qn_csv_scanner_next(&scanner, fields, capacity, &out->header);
        if (step == QN_CSV_INCOMPLETE || (step == QN_CSV_STOP && !final))
            return false;
        out->has_header = step == QN_CSV_RECORD;
        out->header_line = out->lines + out->header.line;
        out->header.at += (uint32_t)at;
        out->header.end += (uint32_t)at;
        out->header.fault_at += (uint32_t)at;
        for (uint32_t i = 0; i < out->header.n_fields && i < capacity; i++)
            fields[i].at += (uint32_t)at;
    }
    out->end_position = at + scanner.pos;
    out->lines += scanner.lines;
    return true;
}

qn_code qn_csv_preamble_read(struct qn_text_window *window, const struct qn_csv_dialect *dialect,
                             struct qn_csv_field *fields, uint32_t capacity,
                             struct qn_csv_preamble *out, struct qn_err *err)
{
    for (size_t want = FIRST_BYTES; want <= QN_MAX_RECORD_BYTES; want *= 4) {
        QN_TRY(qn_text_window_fill(window, 0, want, err));
        const char *bytes = window->data ? window->data : "";
        if (parse(bytes, window->len, qn_text_window_final(window), dialect, fields, capacity,
                  out)) {
            out->end = qn_text_window_offset(window, out->end_position);
            return QN_OK;
        }
    }
    qn_code code =
        qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                   "no first record within %d bytes (is this a CSV file?)", QN_MAX_RECORD_BYTES);
    qn_err_at(err, window->path, 1, 1);
    return code;
}

qn_code qn_csv_skip_line(struct qn_text_window *window, uint64_t *at, uint64_t *lines,
                         struct qn_err *err)
{
    for (;;) {
        QN_TRY(qn_text_window_fill(window, *at, STEP_BYTES, err));
        size_t end = qn_text_find_line_end(window->data, window->len);
        *at = qn_text_window_offset(window, end);
        if (end < window->len)
            break;
        if (qn_text_window_final(window))
            return QN_OK;
    }
    QN_TRY(qn_text_window_fill(window, *at, 2, err));
    bool two = window->data[0] == '\r' && window->len > 1 && window->data[1] == '\n';
    *at = qn_text_window_offset(window, two ? 2 : 1);
    ++*lines;
    return QN_OK;
}

qn_code qn_csv_walk(struct qn_text_window *window, const struct qn_csv_dialect *dialect,
                    uint64_t from, uint64_t stop, uint64_t *next, uint64_t *lines,
                    struct qn_err *err)
{
    size_t want = STEP_BYTES;
    *lines = 0;
    while (from < stop && from < window->text_bytes) {
        QN_TRY(qn_text_window_fill(window, from, want, err));
        struct qn_csv_scanner scanner;
        qn_csv_scanner_init(&scanner, dialect, window->data, window->len,
                            qn_text_window_final(window));
        scanner.stop = qn_text_window_position(window, stop);
        struct qn_csv_record record;
        while (qn_csv_scanner_next(&scanner, NULL, 0, &record) == QN_CSV_RECORD)
            ;
        from = qn_text_window_offset(window, scanner.pos);
        *lines += scanner.lines;
        if (scanner.pos)
            want = STEP_BYTES;
        else if (want < QN_MAX_RECORD_BYTES)
            want *= 2;
        else
            QN_TRY(qn_csv_skip_line(window, &from, lines, err));
    }
    *next = from;
    return QN_OK;
}
