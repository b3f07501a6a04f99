/* utf8: one code point at a time, for places in texts and for what is shown on a terminal. */
#ifndef QN_BASE_UTF8_H
#define QN_BASE_UTF8_H

#include "base/buf.h"
#include "base/strv.h"

/* Stands for one byte that is no UTF-8. */
#define QN_UTF8_BAD UINT32_MAX

/* The code point at byte *at, which moves past it. *at must be below s.len. A malformed byte gives
 * QN_UTF8_BAD and moves *at by one, so that every text can be walked. */
uint32_t qn_utf8_next(struct qn_strv s, size_t *at);

/* Code points in s; malformed bytes count as one each. */
size_t qn_utf8_count(struct qn_strv s);

/* Terminal cells of a code point: 0 (combining), 1, or 2 (East Asian wide, emoji). */
unsigned qn_utf8_cells(uint32_t point);

/* Appends text that may come from anywhere so that a terminal only ever shows it: control
 * characters and malformed bytes become \n, \t, \x1b, ... */
void qn_utf8_put_printable(struct qn_buf *out, struct qn_strv text);

#endif
