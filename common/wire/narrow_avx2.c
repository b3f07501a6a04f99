/* narrow with 32-byte vectors. */
#include "wire/narrow.h"

#if defined(__AVX2__)

#include "wire/narrow_loop.h"

const struct qn_narrow_ops qn_narrow_avx2 = QN_NARROW_OPS;

#endif
