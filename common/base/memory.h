/* memory: what the allocator does with what was freed. Both do nothing where it is not glibc's. */
#ifndef QN_BASE_MEMORY_H
#define QN_BASE_MEMORY_H

#include <stdint.h>

/* For a process that may use so many bytes: what it frees stays with it for what comes next. */
void qn_memory_keep_freed(uint64_t memory_bytes);
/* Between two things of different needs: hands what lies free back to the kernel, if it is much. */
void qn_memory_give_back(void);

#endif
