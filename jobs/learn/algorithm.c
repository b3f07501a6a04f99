#include "jobs/learn/algorithm.h"

#include <string.h>

#define QN_ALGORITHM(symbol) extern const struct qn_algorithm symbol;
#include "jobs/learn/algorithms.def"
#undef QN_ALGORITHM

static const struct qn_algorithm *const algorithms[] = {
#define QN_ALGORITHM(symbol) &symbol,
#include "jobs/learn/algorithms.def"
#undef QN_ALGORITHM
    NULL,
};

const struct qn_algorithm *qn_algorithm_find(const char *name)
{
    const struct qn_algorithm *const *at = algorithms;
    while (*at && strcmp((*at)->name, name) != 0)
        at++;
    return *at;
}
