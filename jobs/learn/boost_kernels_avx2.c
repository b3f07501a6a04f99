/* The kernels of boosting with 32-byte vectors. */
#include "jobs/learn/boost_kernels.h"

#if defined(__AVX2__)

#include "jobs/learn/boost_kernels_loop.h"

const struct qn_boost_kernels qn_boost_kernels_avx2 = QN_BOOST_KERNELS;

#endif
