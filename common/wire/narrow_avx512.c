/* narrow with AVX-512, which has instructions for minima and for taking the low bytes. */
#include "wire/narrow.h"

#if defined(__AVX512F__)

#include "wire/narrow_loop.h"

const struct qn_narrow_ops qn_narrow_avx512 = QN_NARROW_OPS;

#endif
