#include "base/memory.h"

#include <malloc.h>

/* Tasks take and give back the same megabytes over and over; what is handed back to the kernel in
 * between comes again as pages to be cleared. Large things are mapped all the same: they grow
 * without being copied. */
void qn_memory_keep_freed(uint64_t memory_bytes)
{
#ifdef __GLIBC__
    enum { MOST_KEPT = 64 << 20, LEAST_MAPPED = 4 << 20 };
    uint64_t kept = memory_bytes / 8;
    mallopt(M_TRIM_THRESHOLD, kept < MOST_KEPT ? (int)kept : MOST_KEPT);
    mallopt(M_MMAP_THRESHOLD, kept < LEAST_MAPPED ? (int)kept : LEAST_MAPPED);
#else
    (void)memory_bytes;
#endif
}

/* Less is not worth the pages that are cleared when it is needed again. */
void qn_memory_give_back(void)
{
#ifdef __GLIBC__
    enum { LEAST_FREE = 2 << 20 };
    if (mallinfo2().fordblks > LEAST_FREE)
        malloc_trim(0);
#endif
}
