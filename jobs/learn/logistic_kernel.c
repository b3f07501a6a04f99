#include "jobs/learn/logistic_kernel.h"

#include "base/simd.h"
#include "jobs/learn/logistic_kernel_loop.h"

const struct qn_logistic_kernel qn_logistic_kernel_plain = QN_LOGISTIC_KERNEL;

const struct qn_logistic_kernel *qn_logistic_kernel(void)
{
#if defined(__x86_64__)
    if (qn_simd_level() >= QN_SIMD_AVX2)
        return &qn_logistic_kernel_avx2;
#endif
    return &qn_logistic_kernel_plain;
}
