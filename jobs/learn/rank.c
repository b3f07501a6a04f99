#include "jobs/learn/rank.h"

#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t bits; /* of the score: they order as it does */
    uint32_t row;
};

enum { DIGITS = 1 << 16, FEW = 1 << 15 };

/* Least significant digit first, 16 bits a pass, or 8 of few rows; the passes are an even number,
 * which leaves the result where it was. */
static void sort(struct place *from, struct place *to, uint32_t n, uint32_t *starts)
{
    const unsigned bits = n < FEW ? 8 : 16;
    const uint32_t digits = 1U << bits;
    for (unsigned shift = 0; shift < 64; shift += bits) {
        memset(starts, 0, digits * sizeof *starts);
        for (uint32_t i = 0; i < n; i++)
            starts[from[i].bits >> shift & (digits - 1)]++;
        uint32_t sum = 0;
        for (uint32_t d = 0; d < digits; d++) {
            uint32_t here = starts[d];
            starts[d] = sum;
            sum += here;
        }
        for (uint32_t i = 0; i < n; i++)
            to[starts[from[i].bits >> shift & (digits - 1)]++] = from[i];
        struct place *keep = from;
        from = to;
        to = keep;
    }
}

struct ranking {
    struct place *places; /* [2 n]: the second half is room to sort */
    uint32_t *starts;
};

static qn_code ranking_init(struct ranking *ranking, uint32_t n, struct qn_err *err)
{
    ranking->places = malloc(((size_t)n * 2 + 1) * sizeof *ranking->places);
    ranking->starts = malloc(DIGITS * sizeof *ranking->starts);
    return ranking->places && ranking->starts ? QN_OK : qn_err_nomem(err, "ranking rows");
}

static void ranking_end(struct ranking *ranking, uint32_t n, uint32_t *order)
{
    sort(ranking->places, ranking->places + n, n, ranking->starts);
    for (uint32_t i = 0; i < n; i++)
        order[i] = ranking->places[i].row;
}

static void ranking_fini(struct ranking *ranking)
{
    free(ranking->places);
    free(ranking->starts);
}

qn_code qn_rank_order(const double *scores, uint32_t n, uint32_t *order, struct qn_err *err)
{
    struct ranking ranking;
    qn_code code = ranking_init(&ranking, n, err);
    for (uint32_t i = 0; code == QN_OK && i < n; i++) {
        double score = scores[i] == 0 ? 0 : scores[i]; /* not -0 */
        memcpy(&ranking.places[i].bits, &score, sizeof score);
        ranking.places[i].row = i;
    }
    if (code == QN_OK)
        ranking_end(&ranking, n, order);
    ranking_fini(&ranking);
    return code;
}

qn_code qn_rank_words(const uint64_t *words, uint32_t stride, uint32_t n, uint32_t *order,
                      struct qn_err *err)
{
    struct ranking ranking;
    qn_code code = ranking_init(&ranking, n, err);
    for (uint32_t i = 0; code == QN_OK && i < n; i++)
        ranking.places[i] = (struct place){words[(size_t)i * stride], i};
    if (code == QN_OK)
        ranking_end(&ranking, n, order);
    ranking_fini(&ranking);
    return code;
}
