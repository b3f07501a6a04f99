/* ticks: where an axis is marked: at round numbers, 1, 2 or 5 times a power of ten apart. */
#ifndef QN_REPORT_TICKS_H
#define QN_REPORT_TICKS_H

#include <stdint.h>

struct qn_ticks {
    double first, step; /* the marks are first, first + step, ... */
    uint32_t n;
    int decimals; /* that tell neighbours apart; 0 for whole numbers */
};

/* At most `most` (2 or more) marks from low to high, both included where they are round. A range
 * that is empty or no number has one mark, at low. */
struct qn_ticks qn_ticks_choose(double low, double high, uint32_t most);

/* The mark at i, without what adding up would leave in its last bits. */
double qn_ticks_at(const struct qn_ticks *ticks, uint32_t i);

/* The least round number that is no less: where an axis from 0 may end. 1 for 0 and less. */
double qn_ticks_ceiling(double value);

#endif
