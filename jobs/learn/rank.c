#include "jobs/learn/rank.h"

#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t bits; /* of the score: they order as it does */
    uint32_t row;
};

enum { DIGITS = 1 << 16 };

/* Least significant digit first, 16 bits a pass; four passes leave the result where it was. */
static void sort(struct place *from, struct place *to, uint32_t n, uint32_t *starts)
{
    for (unsigned shift = 0; shift < 64; shift += 16) {
        memset(starts, 0, DIGITS * sizeof *starts);
        for (uint32_t i = 0; i < n; i++)
            starts[from[i].bits >> shift & 0xffff]++;
        uint32_t sum = 0;
        for (uint32_t d = 0; d < DIGITS; d++) {
            uint32_t here = starts[d];
            starts[d] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < n; i++)
            to[starts[from[i].bits >> shift & 0xffff]++] = from[i];
        struct place *keep = from;
        from = to;
        to = keep;
    }
}

qn_code qn_rank_order(const double *scores, uint32_t n, uint32_t *order, struct qn_err *err)
{
    struct place *places = malloc(((size_t)n * 2 + 1) * sizeof *places);
    uint32_t *starts = malloc(DIGITS * sizeof *starts);
    qn_code code = places && starts ? QN_OK : qn_err_nomem(err, "ranking scores");
    for (uint32_t i = 0; code == QN_OK && i < n; i++) {
        double score = scores[i] == 0 ? 0 : scores[i]; /* not -0 */
        memcpy(&places[i].bits, &score, sizeof score);
        places[i].row = i;
    }
    if (code == QN_OK)
        sort(places, places + n, n, starts);
    for (uint32_t i = 0; code == QN_OK && i < n; i++)
        order[i] = places[i].row;
    free(places);
    free(starts);
    return code;
}
