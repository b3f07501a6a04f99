/* simd: which vector instructions loops may use: what the processor has, unless QUERN_SIMD names
 * less. Every level gives the same results; the lower ones are there for older processors and for
 * tests that compare. */
#ifndef QN_BASE_SIMD_H
#define QN_BASE_SIMD_H

enum qn_simd { QN_SIMD_SCALAR, QN_SIMD_SSE2, QN_SIMD_AVX2, QN_SIMD_AVX512, QN_SIMD_LEVELS };

/* Decided at the first call; any thread may ask. */
enum qn_simd qn_simd_level(void);

/* The best level that this processor has. */
enum qn_simd qn_simd_available(void);

/* For tests: `level`, or what the processor has when that is less. Returns the level taken. */
enum qn_simd qn_simd_limit(enum qn_simd level);

/* "scalar", "sse2", "avx2", "avx512": what QUERN_SIMD takes. */
const char *qn_simd_name(enum qn_simd level);

#endif
