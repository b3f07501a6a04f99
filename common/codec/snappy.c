/* A body is a row of pieces. The low two bits of a piece's first byte, its tag, say its kind: bytes
 * that stand there themselves, or a copy of `length` bytes from `offset` bytes before. */
#include "codec/snappy.h"

#include <stdint.h>
#include <string.h>

enum kind { LITERAL, COPY_1, COPY_2, COPY_4 }; /* copies by the bytes of their offset */

enum {
    WIDE = 16,         /* moved at once */
    MOST_OF_COPY = 64, /* bytes; also of literals whose length stands in the tag, which are 60 */
    IN_ROOM = 1 + MOST_OF_COPY,
};

struct cursor {
    const uint8_t *in, *in_end;
    uint8_t *out, *to, *out_end;
};

static uint32_t load32(const uint8_t *at)
{
    uint32_t value; /* little endian, as wire/block.c asserts */
    memcpy(&value, at, sizeof value);
    return value;
}

bool qn_snappy_open(struct qn_strv block, size_t *n, struct qn_strv *body)
{
    uint64_t length = 0;
    for (size_t i = 0; i < 5 && i < block.len; i++) {
        uint8_t byte = (uint8_t)block.data[i];
        length |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        *n = (size_t)length;
        *body = (struct qn_strv){block.data + i + 1, block.len - i - 1};
        return length <= UINT32_MAX;
    }
    return false;
}

/* --- one piece, wherever it stands ----------------------------------------------------------- */

static bool take_literal(struct cursor *c, size_t length)
{
    if (length > 60) { /* behind the tag: in one to four bytes, less one */
        size_t n_bytes = length - 60;
        if ((size_t)(c->in_end - c->in) < n_bytes)
            return false;
        length = 0;
        for (size_t i = 0; i < n_bytes; i++)
            length |= (size_t)c->in[i] << (8 * i);
        length++;
        c->in += n_bytes;
    }
    if (length > (size_t)(c->in_end - c->in) || length > (size_t)(c->out_end - c->to))
        return false;
    memcpy(c->to, c->in, length);
    c->in += length;
    c->to += length;
    return true;
}

static bool take_piece(struct cursor *c)
{
    const unsigned tag = *c->in++;
    const enum kind kind = tag & 3;
    size_t length = (tag >> 2) + 1, offset = 0, n_bytes = kind == COPY_4 ? 4 : kind;
    if (kind == LITERAL)
        return take_literal(c, length);
    if ((size_t)(c->in_end - c->in) < n_bytes)
        return false;
    for (size_t i = 0; i < n_bytes; i++)
        offset |= (size_t)c->in[i] << (8 * i);
    c->in += n_bytes;
    if (kind == COPY_1) {
        length = 4 + (tag >> 2 & 7);
        offset |= (size_t)(tag >> 5) << 8;
    }
    if (offset == 0 || offset > (size_t)(c->to - c->out) || length > (size_t)(c->out_end - c->to))
        return false;
    for (size_t i = 0; i < length; i++, c->to++)
        *c->to = *(c->to - offset);
    return true;
}

/* --- many, far from both ends ---------------------------------------------------------------- */

/* Up to 15 bytes more than `length` are written, MOST_OF_COPY at most. What they were is of no
 * account: pieces after this one write them. */
static inline void move_wide(uint8_t *to, const uint8_t *from, size_t length)
{
    memcpy(to, from, WIDE);
    for (size_t at = WIDE; at < length; at += WIDE)
        memcpy(to + at, from + at, WIDE);
}

/* What is copied is written only now: the bytes repeat. */
static void repeat(uint8_t *to, size_t offset, size_t length)
{
    if (offset < sizeof(uint64_t))
        for (size_t i = 0; i < length; i++)
            to[i] = *(to + i - offset);
    else
        for (size_t i = 0; i < length; i += sizeof(uint64_t))
            memcpy(to + i, to + i - offset, sizeof(uint64_t));
}

/* As long as there is room to read and write too much; stops before what take_piece() has to look
 * at: long literals, damage, the end. */
static void take_pieces(struct cursor *c)
{
    static const uint32_t offset_bits[] = {0, 0xff, 0xffff, UINT32_MAX};
    static const uint8_t sizes[] = {1, 2, 3, 5};
    const uint8_t *in = c->in, *in_most = c->in_end - IN_ROOM;
    uint8_t *to = c->to, *to_most = c->out_end - MOST_OF_COPY;
    while (in <= in_most && to <= to_most) {
        const unsigned tag = *in, kind = tag & 3;
        const uint32_t near = kind == COPY_1 ? (tag & 0xe0) << 3 : 0;
        const size_t offset = (load32(in + 1) & offset_bits[kind]) | near;
        const size_t length = kind == COPY_1 ? 4 + (tag >> 2 & 7) : (tag >> 2) + 1;
        const bool is_good = kind == LITERAL ? length <= 60 : offset - 1 < (size_t)(to - c->out);
        if (!is_good)
            break;
        if (kind != LITERAL && offset < WIDE && offset < length)
            repeat(to, offset, length);
        else
            move_wide(to, kind == LITERAL ? in + 1 : to - offset, length);
        in += sizes[kind] + (kind == LITERAL ? length : 0);
        to += length;
    }
    c->in = in;
    c->to = to;
}

bool qn_snappy_read(struct qn_strv body, char *out, size_t n_out)
{
    uint8_t *to = (uint8_t *)out;
    struct cursor c = {.in = (const uint8_t *)body.data, .out = to, .to = to};
    c.in_end = c.in + body.len;
    c.out_end = to + n_out;
    while (c.in < c.in_end) {
        if (c.in_end - c.in >= IN_ROOM && c.out_end - c.to >= MOST_OF_COPY)
            take_pieces(&c);
        if (!take_piece(&c))
            return false;
    }
    return c.to == c.out_end;
}
