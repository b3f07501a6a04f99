#include "base/simd.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[QN_SIMD_LEVELS] = {"scalar", "sse2", "avx2", "avx512"};

static atomic_int decided = -1;

enum qn_simd qn_simd_available(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2"))
        return QN_SIMD_AVX512;
    return avx2 ? QN_SIMD_AVX2 : QN_SIMD_SSE2;
#else
    return QN_SIMD_SCALAR;
#endif
}

/* A word that is no level leaves the choice to the processor. */
static enum qn_simd asked_level(void)
{
    const char *word = getenv("QUERN_SIMD");
    for (int level = 0; word && level < QN_SIMD_LEVELS; level++)
        if (strcmp(word, names[level]) == 0)
            return (enum qn_simd)level;
    return QN_SIMD_AVX512;
}

enum qn_simd qn_simd_limit(enum qn_simd level)
{
    enum qn_simd most = qn_simd_available();
    if (level > most)
        level = most;
    atomic_store(&decided, (int)level);
    return level;
}

enum qn_simd qn_simd_level(void)
{
    int level = atomic_load_explicit(&decided, memory_order_relaxed);
    return level >= 0 ? (enum qn_simd)level : qn_simd_limit(asked_level());
}

const char *qn_simd_name(enum qn_simd level)
{
    return level < QN_SIMD_LEVELS ? names[level] : "?";
}
