/* The kernels of boosting for any processor, and the choice of them. */
#include "jobs/learn/boost_kernels_loop.h"

#include "base/simd.h"

const struct qn_boost_kernels qn_boost_kernels_plain = QN_BOOST_KERNELS;

void qn_boost_sides_pack(struct qn_boost_sides *sides)
{
    memset(sides->bits, 0, sizeof sides->bits);
    for (uint32_t byte = 0; byte < QN_BIN_CODES; byte++)
        sides->bits[byte / 32] |= (uint32_t)sides->left[byte] << (byte % 32);
}

const struct qn_boost_kernels *qn_boost_kernels(void)
{
#if defined(__x86_64__)
    if (qn_simd_level() >= QN_SIMD_AVX512)
        return &qn_boost_kernels_avx512;
    if (qn_simd_level() >= QN_SIMD_AVX2)
        return &qn_boost_kernels_avx2;
#endif
    return &qn_boost_kernels_plain;
}
