#include "parquet/bloom_write.h"

#include "base/hash.h"
#include "parquet/bloom.h"
#include "parquet/storage.h"
#include "parquet/thrift_write.h"

/* A union of which one member, with nothing in it, is set. */
static void put_choice(struct qn_thrift_out *out, int32_t id)
{
    struct qn_thrift_out choice = qn_thrift_put_struct(out, id);
    struct qn_thrift_out nothing = qn_thrift_put_struct(&choice, 1);
    qn_thrift_put_end(&nothing);
    qn_thrift_put_end(&choice);
}

/* Blocks, hashes by XXH64, nothing compressed. */
static void put_header(struct qn_buf *out, uint32_t bytes)
{
    struct qn_thrift_out at = {out, 0};
    qn_thrift_put_i32(&at, 1, (int32_t)bytes);
    put_choice(&at, 2);
    put_choice(&at, 3);
    put_choice(&at, 4);
    qn_thrift_put_end(&at);
}

static uint64_t hash_of(const struct qn_pq_gather *values, bool narrow, uint32_t i)
{
    if (values->type.id == QN_TEXT) {
        struct qn_pq_texts text = qn_pq_gather_texts(values, i, 1);
        return qn_hash_xxh64(text.bytes + text.offsets[0], text.offsets[1] - text.offsets[0]);
    }
    /* Integers and doubles have eight bytes here, the low ones first. */
    return qn_hash_xxh64(values->values.data + (size_t)i * 8, narrow ? 4 : 8);
}

void qn_pq_bloom_write(const struct qn_pq_gather *values, struct qn_buf *out)
{
    bool narrow = qn_pq_storage_type(values->type) == QN_PQ_INT32;
    uint32_t bytes = qn_pq_bloom_bytes_for(values->n_values);
    if (values->type.id == QN_BOOL)
        return;
    put_header(out, bytes);
    uint8_t *blocks = qn_buf_reserve(out, bytes);
    if (!blocks)
        return;
    memset(blocks, 0, bytes);
    for (uint32_t i = 0; i < values->n_values; i++)
        qn_pq_bloom_add(blocks, bytes / QN_PQ_BLOOM_BLOCK, hash_of(values, narrow, i));
    out->len += bytes;
}
