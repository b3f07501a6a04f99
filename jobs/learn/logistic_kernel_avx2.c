/* logistic_kernel with 32-byte vectors. */
#include "jobs/learn/logistic_kernel.h"

#if defined(__AVX2__)

#include "jobs/learn/logistic_kernel_loop.h"

const struct qn_logistic_kernel qn_logistic_kernel_avx2 = QN_LOGISTIC_KERNEL;

#endif
