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

static uint64_t load64(const uint8_t *at)
{
    uint64_t value; /* little endian, as wire/block.c asserts */
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

/* What a tag alone says of its piece: the length, and the offset but for bits of the bytes behind
 * it. A literal has an offset that neither reaches back too far nor repeats; a length past
 * MOST_OF_COPY is of what take_piece() has to look at: long literals, far copies. */
struct tag {
    uint32_t offset_bits;
    uint16_t offset;
    uint8_t length;
};

#define KIND(tag) ((tag)&3)
#define SIZE(tag) (((tag) >> 2) + 1)
#define OFFSET_BITS(tag) (KIND(tag) == COPY_1 ? 0xff : KIND(tag) == COPY_2 ? 0xffff : 0)
#define OFFSET(tag) (KIND(tag) == COPY_1 ? ((tag)&0xe0) << 3 : KIND(tag) == LITERAL ? WIDE : 0)
#define IS_OTHER(tag) (KIND(tag) == COPY_4 || (KIND(tag) == LITERAL && SIZE(tag) > 60))
#define LENGTH(tag) (IS_OTHER(tag) ? 0xff : KIND(tag) == COPY_1 ? 4 + ((tag) >> 2 & 7) : SIZE(tag))
#define TAG(tag)                                                                                   \
    {                                                                                              \
        OFFSET_BITS(tag), OFFSET(tag), LENGTH(tag)                                                 \
    }
#define TAGS_4(tag) TAG(tag), TAG((tag) + 1), TAG((tag) + 2), TAG((tag) + 3)
#define TAGS_16(tag) TAGS_4(tag), TAGS_4((tag) + 4), TAGS_4((tag) + 8), TAGS_4((tag) + 12)
#define TAGS_64(tag) TAGS_16(tag), TAGS_16((tag) + 16), TAGS_16((tag) + 32), TAGS_16((tag) + 48)

static const struct tag tags[256] = {TAGS_64(0), TAGS_64(64), TAGS_64(128), TAGS_64(192)};

/* As long as there is room to read and write too much; stops before what take_piece() has to look
 * at. The next piece's tag is mostly among the bytes that were read behind this one's, and so waits
 * for no other look at the memory. */
static void take_pieces(struct cursor *c)
{
    const uint8_t *in = c->in, *in_most = c->in_end - IN_ROOM;
    uint8_t *to = c->to, *to_most = c->out_end - MOST_OF_COPY;
    size_t tag = *in;
    while (in <= in_most && to <= to_most) {
        const struct tag *said = &tags[tag];
        const uint64_t behind = load64(in + 1);
        const size_t kind = KIND(tag), bytes = kind == LITERAL ? SIZE(tag) : kind;
        const size_t length = said->length;
        const size_t offset = ((uint32_t)behind & said->offset_bits) | said->offset;
        if (length > MOST_OF_COPY || offset - 1 >= (size_t)(to - c->out))
            break;
        const uint8_t *from = kind == LITERAL ? in + 1 : to - offset;
        in += 1 + bytes;
        tag = bytes < sizeof behind ? behind >> 8 * bytes & 0xff : *in;
        if (offset < WIDE && offset < length)
            repeat(to, offset, length);
        else
            move_wide(to, from, length);
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
