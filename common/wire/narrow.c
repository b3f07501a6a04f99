#include "wire/narrow.h"

#include "base/simd.h"
#include "wire/narrow_loop.h"

const struct qn_narrow_ops qn_narrow_plain = QN_NARROW_OPS;

const struct qn_narrow_ops *qn_narrow(void)
{
    switch (qn_simd_level()) {
#if defined(__x86_64__)
    case QN_SIMD_AVX512: return &qn_narrow_avx512;
    case QN_SIMD_AVX2: return &qn_narrow_avx2;
#endif
    default: return &qn_narrow_plain;
    }
}
