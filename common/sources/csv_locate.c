#include "sources/csv_locate.h"

bool qn_csv_record_at(const void *dialect, const struct qn_text_window *window, size_t at,
                      struct qn_strv *record)
{
    struct qn_csv_scanner scanner;
    struct qn_csv_record found;
    qn_csv_scanner_init(&scanner, dialect, window->data + at, window->len - at,
                        qn_text_window_final(window));
    if (qn_csv_scanner_next(&scanner, NULL, 0, &found) != QN_CSV_RECORD)
        return false;
    *record = (struct qn_strv){scanner.bytes + found.at, found.end - found.at};
    return true;
}
