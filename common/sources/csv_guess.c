#include "sources/csv_guess.h"
#include "sources/text_lines.h"

enum {
    MAX_CANDIDATES = 64, /* line ends tried: longer quoted texts are left to the chain check */
    MAX_RECORDS = 64,    /* read from each */
};

/* Faults among the first records from `start`. A start inside a quoted text soon shows: its lines
 * have the wrong number of fields, and its closing quote stands where none may be. */
static uint32_t count_faults(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                             bool final, size_t start)
{
    struct qn_csv_scanner scanner;
    qn_csv_scanner_init(&scanner, dialect, bytes + start, len - start, final);
    struct qn_csv_record record;
    uint32_t faults = 0, records = 0;
    while (records < MAX_RECORDS &&
           qn_csv_scanner_next(&scanner, NULL, 0, &record) == QN_CSV_RECORD) {
        records++;
        faults += record.fault != QN_CSV_GOOD || record.n_fields != dialect->n_fields;
    }
    return records || final ? faults : 1; /* a record that never ends speaks against the start */
}

size_t qn_csv_guess_start(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                          bool final)
{
    size_t best = len, at = 0;
    uint32_t fewest = UINT32_MAX;
    for (unsigned i = 0; i < MAX_CANDIDATES && fewest > 0; i++) {
        at += qn_text_find_line_end(bytes + at, len - at);
        if (at == len || (bytes[at] == '\r' && at + 1 == len && !final))
            break;
        at += bytes[at] == '\r' && at + 1 < len && bytes[at + 1] == '\n' ? 2 : 1;
        uint32_t faults = count_faults(dialect, bytes, len, final, at);
        if (faults < fewest) {
            fewest = faults;
            best = at;
        }
    }
    return best;
}
