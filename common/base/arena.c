#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK = 16 * 1024, LARGEST_STEP = 4 * 1024 * 1024 };

struct qn_arena_block {
    struct qn_arena_block *next;
    size_t capacity, used;
    _Alignas(ALIGN) unsigned char data[];
};

void qn_arena_init(struct qn_arena *arena)
{
    *arena = (struct qn_arena){0};
}

void qn_arena_fini(struct qn_arena *arena)
{
    struct qn_arena_block *block = arena->first;
    while (block) {
        struct qn_arena_block *next = block->next;
        free(block);
        block = next;
    }
    qn_arena_init(arena);
}

void qn_arena_clear(struct qn_arena *arena)
{
    for (struct qn_arena_block *block = arena->first; block; block = block->next)
        block->used = 0;
    arena->current = arena->first;
    arena->used_bytes = 0;
}

static struct qn_arena_block *block_new(size_t last_capacity, size_t bytes)
{
    size_t capacity = last_capacity ? last_capacity * 2 : FIRST_BLOCK;
    if (capacity > LARGEST_STEP)
        capacity = LARGEST_STEP;
    if (capacity < bytes)
        capacity = bytes;
    struct qn_arena_block *block = malloc(sizeof *block + capacity);
    if (block)
        *block = (struct qn_arena_block){.capacity = capacity};
    return block;
}

void *qn_arena_alloc(struct qn_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct qn_arena_block *block = arena->current;
    while (block && block->capacity - block->used < bytes && block->next)
        block = block->next;
    if (!block || block->capacity - block->used < bytes) {
        struct qn_arena_block *fresh = block_new(block ? block->capacity : 0, bytes);
        if (!fresh)
            return NULL;
        if (block)
            block->next = fresh;
        else
            arena->first = fresh;
        block = fresh;
    }
    arena->current = block;
    void *at = block->data + block->used;
    block->used += bytes;
    arena->used_bytes += bytes;
    return at;
}

void *qn_arena_zalloc(struct qn_arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *at = qn_arena_alloc(arena, bytes);
    return at ? memset(at, 0, bytes) : NULL;
}

char *qn_arena_strdup(struct qn_arena *arena, struct qn_strv text)
{
    char *copy = qn_arena_alloc(arena, text.len + 1);
    if (!copy)
        return NULL;
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

char *qn_arena_printf(struct qn_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : qn_arena_alloc(arena, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
