/* csv_guess: where in the middle of a file a record begins, as far as that can be told from near
 * by. Only a guess: the coordinator checks it against the chunk before and has it read again. */
#ifndef QN_SOURCES_CSV_GUESS_H
#define QN_SOURCES_CSV_GUESS_H

#include "sources/csv_scan.h"

/* bytes[0] is the byte before the first place asked for. Returns the place of a record's first
 * byte, from bytes[0]; len when there is no line end to go by. QN_TEXT_SLACK bytes follow len. */
size_t qn_csv_guess_start(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                          bool final);

#endif
