/* The kernels of boosting for any processor, and the choice of them. */
#include "jobs/learn/boost_kernels_loop.h"

#include "base/simd.h"

const struct qn_boost_kernels qn_boost_kernels_plain = QN_BOOST_KERNELS;

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
