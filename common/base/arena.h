/* arena: memory with one lifetime (a run, a chunk, a batch), freed all at once.
 *
 * Not thread-safe. Blocks are kept by qn_arena_clear() and reused, because the first
 * touch of fresh memory is dear. */
#ifndef QN_BASE_ARENA_H
#define QN_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct qn_arena_block;

struct qn_arena {
    struct qn_arena_block *first, *current;
    size_t used_bytes; /* given out since init or clear */
};

void qn_arena_init(struct qn_arena *arena);
void qn_arena_fini(struct qn_arena *arena);

/* Forgets all allocations, keeps the blocks. */
void qn_arena_clear(struct qn_arena *arena);

/* 16-byte aligned, not zeroed; NULL when memory is out or bytes overflow. */
void *qn_arena_alloc(struct qn_arena *arena, size_t bytes);

/* n x size, zeroed; NULL when memory is out or the product overflows. */
void *qn_arena_zalloc(struct qn_arena *arena, size_t n, size_t size);

/* A NUL-terminated copy; NULL when memory is out. */
char *qn_arena_strdup(struct qn_arena *arena, struct qn_strv text);

/* printf into the arena; NULL when memory is out. */
char *qn_arena_printf(struct qn_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define QN_NEW(arena, type) ((type *)qn_arena_zalloc((arena), 1, sizeof(type)))
#define QN_NEW_ARRAY(arena, type, n) ((type *)qn_arena_zalloc((arena), (n), sizeof(type)))

#endif
