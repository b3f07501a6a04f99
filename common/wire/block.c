#include "wire/block.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "codec/lz4_block.h"
#include "wire/narrow.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values travel as they lie in memory");

enum { FORM_RAW, FORM_LZ4 };

enum {
    /* Below this a block's header weighs as much as what LZ4 saves. */
    LEAST_COMPRESSED = 256,
    SAMPLE_BYTES = 4096,
};

/* ---- block ---- */

/* Worth its time when at least a tenth goes away. */
static size_t most_that_pays(size_t n)
{
    return n - n / 10;
}

/* A sample from the middle tells for the price of a few microseconds that hashes, sounds and
 * random keys do not shrink. */
static bool looks_compressible(const char *bytes, size_t n)
{
    char shrunk[SAMPLE_BYTES];
    if (n < LEAST_COMPRESSED)
        return false;
    if (n < 2 * (size_t)SAMPLE_BYTES)
        return true;
    return qn_lz4_shrink(bytes + n / 2, SAMPLE_BYTES, shrunk, most_that_pays(SAMPLE_BYTES)) > 0;
}

/* Compresses straight into `out`; 0 when it did not pay. */
static size_t put_lz4(struct qn_buf *out, size_t header, const char *bytes, size_t n)
{
    if (!looks_compressible(bytes, n))
        return 0;
    uint8_t *room = qn_buf_reserve(out, header + most_that_pays(n));
    return room ? qn_lz4_shrink(bytes, n, room + header, most_that_pays(n)) : 0;
}

static void put_block_header(struct qn_buf *out, uint8_t form, size_t n, size_t stored)
{
    qn_buf_put_u8(out, form);
    qn_buf_put_u32(out, (uint32_t)n);
    qn_buf_put_u32(out, (uint32_t)stored);
}

void qn_block_put(struct qn_buf *out, const void *bytes, size_t n, bool small)
{
    enum { HEADER = 9 };
    if (n > UINT32_MAX) {
        out->failed = true;
        return;
    }
    size_t stored = small ? put_lz4(out, HEADER, bytes, n) : 0;
    put_block_header(out, stored ? FORM_LZ4 : FORM_RAW, n, stored ? stored : n);
    if (stored)
        out->len += out->failed ? 0 : stored; /* in its place already */
    else
        qn_buf_put(out, bytes, n);
}

struct qn_block qn_block_take(struct qn_unpack *in)
{
    struct qn_block block = {.form = qn_unpack_u8(in), .bytes = qn_unpack_u32(in)};
    block.stored = qn_unpack_str(in);
    uint64_t most =
        block.form == FORM_LZ4 ? 255 * (uint64_t)block.stored.len + 64 : block.stored.len;
    if (block.form > FORM_LZ4 || block.bytes > most)
        in->failed = true;
    return block;
}

qn_code qn_block_open(const struct qn_block *block, void *out, size_t n, struct qn_err *err)
{
    if (block->bytes != n || (block->form == FORM_RAW && block->stored.len != n))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a block of %u bytes, expected %zu",
                          block->bytes, n);
    if (block->form == FORM_RAW) {
        if (n)
            memcpy(out, block->stored.data, n);
        return QN_OK;
    }
    if (!qn_lz4_restore(block->stored, out, n))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "an LZ4 block that does not hold its %zu bytes", n);
    return QN_OK;
}

/* ---- ints ---- */

/* Units worth a try: whole seconds and milliseconds of timestamps. */
static const struct {
    uint32_t unit;
    unsigned twos;    /* factors of 2 in it, */
    uint64_t inverse; /* and the inverse modulo 2^64 of the others, a power of 5 */
} units[] = {
    {1000000, 6, UINT64_C(0x790fb65668c26139)},
    {1000, 3, UINT64_C(0x1cac083126e978d5)},
};

static uint8_t width_of(uint64_t range)
{
    if (range == 0)
        return 0;
    if (range <= UINT8_MAX)
        return 1;
    if (range <= UINT16_MAX)
        return 2;
    return range <= UINT32_MAX ? 4 : 8;
}

static void put_header(struct qn_buf *out, uint8_t width, uint32_t unit, uint64_t base)
{
    qn_buf_put_u8(out, width);
    qn_buf_put_u32(out, unit);
    qn_buf_put_u64(out, base);
}

/* Values from `base` on that fit `width` bytes, which stand for multiples of the unit above
 * `first`. */
static void put_narrow(struct qn_buf *out, const int64_t *values, uint32_t n, uint8_t width,
                       int64_t base, uint32_t unit, int64_t first, bool small)
{
    const size_t bytes = (size_t)n * width;
    put_header(out, width, unit, (uint64_t)first);
    if (width == 0)
        return;
    if (small) {
        uint8_t room[QN_BATCH_ROWS * sizeof(uint32_t)];
        qn_narrow()->narrow(values, n, base, width, room);
        qn_block_put(out, room, bytes, true);
        return;
    }
    put_block_header(out, FORM_RAW, bytes, bytes);
    uint8_t *at = qn_buf_reserve(out, bytes);
    if (!at)
        return;
    qn_narrow()->narrow(values, n, base, width, at);
    out->len += bytes;
}

/* As multiples of a unit, when that makes them narrower; else false, and nothing was put. */
static bool put_multiples(struct qn_buf *out, const int64_t *values, uint32_t n, int64_t least,
                          uint64_t range, bool small)
{
    int64_t quotients[QN_BATCH_ROWS];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        uint8_t width = width_of(range / units[i].unit);
        if (width == 8 || !qn_narrow()->quotients(values, n, least, units[i].unit, units[i].twos,
                                                  units[i].inverse, quotients))
            continue;
        put_narrow(out, quotients, n, width, 0, units[i].unit, least, small);
        return true;
    }
    return false;
}

void qn_ints_put(struct qn_buf *out, const int64_t *values, uint32_t n, bool small)
{
    assert(n <= QN_BATCH_ROWS);
    int64_t least = 0, most = 0;
    if (n)
        qn_narrow()->range(values, n, &least, &most);
    uint64_t range = (uint64_t)most - (uint64_t)least;
    uint8_t width = width_of(range);
    if (width < 8) {
        put_narrow(out, values, n, width, least, 1, least, small);
    } else if (!put_multiples(out, values, n, least, range, small)) {
        put_header(out, width, 1, 0);
        qn_block_put(out, values, (size_t)n * 8, small);
    }
}

struct qn_ints qn_ints_take(struct qn_unpack *in)
{
    struct qn_ints ints = {.width = qn_unpack_u8(in), .unit = qn_unpack_u32(in)};
    ints.base = qn_unpack_i64(in);
    if (ints.width)
        ints.block = qn_block_take(in);
    if (ints.width != 0 && ints.width != 1 && ints.width != 2 && ints.width != 4 && ints.width != 8)
        in->failed = true;
    return ints;
}

/* Unsigned arithmetic wraps: a liar gets odd numbers, nothing worse. */
qn_code qn_ints_open(const struct qn_ints *ints, int64_t *out, uint32_t n, struct qn_err *err)
{
    assert(n <= QN_BATCH_ROWS);
    uint8_t room[QN_BATCH_ROWS * sizeof(uint32_t)];
    const struct qn_block *block = &ints->block;
    const size_t bytes = (size_t)n * ints->width;
    const void *narrow = block->stored.data;
    if (ints->width == 8)
        return qn_block_open(block, out, bytes, err);
    if (ints->width == 0) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = ints->base;
        return QN_OK;
    }
    if (block->form != FORM_RAW || block->stored.len != bytes || block->bytes != bytes) {
        QN_TRY(qn_block_open(block, room, bytes, err));
        narrow = room;
    }
    qn_narrow()->widen(narrow, n, ints->width, ints->base, ints->unit, out);
    return QN_OK;
}
