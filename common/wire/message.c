/* One table a message kind says which fields travel, in which order and within which limits;
 * encode and decode both walk it, so they cannot drift apart. Decoding never allocates from a
 * count it did not first hold against the bytes that are left. */
#include "wire/message.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "base/limits.h"

enum field_type {
    F_U32,
    F_U64,
    F_ENUM,   /* least..most */
    F_TEXT,   /* str of at most `most` bytes, without NUL: paths and words need not be UTF-8 */
    F_HASH,   /* str: SHA-256 as 64 lower-case hex digits; with `least` 0 it may be empty */
    F_BYTES,  /* bin of at most `most` bytes */
    F_FIXED,  /* bin of exactly `most` bytes, inline in the struct */
    F_RECORD, /* array: the fields of another table, inline in the struct */
    F_LIST,   /* array of at most `most` records; in the struct a pointer and, at `count`, n */
};

struct record;

struct field {
    enum field_type type;
    const char *name; /* for complaints */
    size_t offset, count;
    uint32_t least, most;
    const struct record *record;
};

struct record {
    const char *name;
    const struct field *fields;
    uint32_t n;
    size_t size; /* of the struct, for lists */
};

enum {
    MAX_TEXT = 4096,   /* a path, or an error with all its frames */
    MAX_SHORT = 256,   /* names, versions, endpoints */
    MAX_ITEMS = 65536, /* of a list */
    NO_COUNT = 0,
};

#define N_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define FIELD(kind, type, member, least, most, record)                                             \
    {                                                                                              \
        kind, #member, offsetof(type, member), NO_COUNT, least, most, record                       \
    }
#define U32(type, member) FIELD(F_U32, type, member, 0, UINT32_MAX, NULL)
#define U64(type, member) FIELD(F_U64, type, member, 0, 0, NULL)
#define ENUM(type, member, least, most) FIELD(F_ENUM, type, member, least, most, NULL)
#define TEXT(type, member, most) FIELD(F_TEXT, type, member, 0, most, NULL)
#define HASH(type, member, least) FIELD(F_HASH, type, member, least, QN_SHA256_HEX - 1, NULL)
#define BYTES(type, member) FIELD(F_BYTES, type, member, 0, QN_MAX_PIECE_BYTES, NULL)
#define FIXED(type, member, bytes) FIELD(F_FIXED, type, member, 0, bytes, NULL)
#define RECORD(type, member, record) FIELD(F_RECORD, type, member, 0, 0, record)
#define LIST(member, record)                                                                       \
    {                                                                                              \
        F_LIST, #member, offsetof(struct qn_msg, member.items), offsetof(struct qn_msg, member.n), \
            0, MAX_ITEMS, record                                                                   \
    }

static const struct field token_fields[] = {
    U32(struct qn_token, job),  U32(struct qn_token, stage),   U32(struct qn_token, round),
    U32(struct qn_token, unit), U32(struct qn_token, attempt), U64(struct qn_token, epoch),
};
static const struct record token_record = {"token", token_fields, N_OF(token_fields),
                                           sizeof(struct qn_token)};

static const struct field task_fields[] = {
    RECORD(struct qn_msg_task, token, &token_record),
    HASH(struct qn_msg_task, brief, 0),
    TEXT(struct qn_msg_task, path, MAX_TEXT),
    U32(struct qn_msg_task, file_index),
    U64(struct qn_msg_task, begin),
    U64(struct qn_msg_task, end),
    U64(struct qn_msg_task, start),
    U64(struct qn_msg_task, file_bytes),
    U64(struct qn_msg_task, file_begin),
    U64(struct qn_msg_task, file_end),
};
static const struct record task_record = {"task", task_fields, N_OF(task_fields),
                                          sizeof(struct qn_msg_task)};

static const struct field digest_fields[] = {
    U64(struct qn_hash128, low),
    U64(struct qn_hash128, high),
};
static const struct record digest_record = {"digest", digest_fields, N_OF(digest_fields),
                                            sizeof(struct qn_hash128)};

static const struct field counters_fields[] = {
    U64(struct qn_counters, rows_in),      U64(struct qn_counters, rows_out),
    U64(struct qn_counters, quarantined),  U64(struct qn_counters, filtered),
    U64(struct qn_counters, deduplicated), U64(struct qn_counters, added),
    U64(struct qn_counters, absorbed),
};
static const struct record counters_record = {"counters", counters_fields, N_OF(counters_fields),
                                              sizeof(struct qn_counters)};

static const struct field chunk_fields[] = {
    U64(struct qn_chunk_result, first_start), U64(struct qn_chunk_result, next_start),
    U64(struct qn_chunk_result, lines),       U64(struct qn_chunk_result, records),
    U64(struct qn_chunk_result, skipped),
};
static const struct record chunk_record = {"chunk", chunk_fields, N_OF(chunk_fields),
                                           sizeof(struct qn_chunk_result)};

static const struct field job_fields[] = {
    TEXT(struct qn_msg_job, name, MAX_SHORT),
    TEXT(struct qn_msg_job, kind, MAX_SHORT),
    TEXT(struct qn_msg_job, status, MAX_SHORT),
    TEXT(struct qn_msg_job, stage, MAX_SHORT),
    U32(struct qn_msg_job, stage_number),
    U32(struct qn_msg_job, n_stages),
    U32(struct qn_msg_job, round),
    U64(struct qn_msg_job, done),
    U64(struct qn_msg_job, total),
    RECORD(struct qn_msg_job, counters, &counters_record),
    U64(struct qn_msg_job, micros),
};
static const struct record job_record = {"job", job_fields, N_OF(job_fields),
                                         sizeof(struct qn_msg_job)};

static const struct field hello_fields[] = {
    U32(struct qn_msg, hello.protocol),
    TEXT(struct qn_msg, hello.engine, MAX_SHORT),
    FIXED(struct qn_msg, hello.uuid, QN_UUID_BYTES),
    U64(struct qn_msg, hello.boot),
    U32(struct qn_msg, hello.slots),
    U64(struct qn_msg, hello.kept_bytes),
    U64(struct qn_msg, hello.pid),
    TEXT(struct qn_msg, hello.host, MAX_SHORT),
};
static const struct field welcome_fields[] = {
    U64(struct qn_msg, welcome.session),
    U64(struct qn_msg, welcome.epoch),
    TEXT(struct qn_msg, welcome.run_id, MAX_SHORT),
    HASH(struct qn_msg, welcome.plan, 1),
    TEXT(struct qn_msg, welcome.data_port, MAX_SHORT),
    U32(struct qn_msg, welcome.pulse_ms),
    U32(struct qn_msg, welcome.lease_ms),
    U64(struct qn_msg, welcome.credit_bytes),
    TEXT(struct qn_msg, welcome.folder, MAX_TEXT),
    TEXT(struct qn_msg, welcome.proof, MAX_SHORT),
};
static const struct field refused_fields[] = {TEXT(struct qn_msg, refused.reason, MAX_TEXT)};
static const struct field goodbye_fields[] = {TEXT(struct qn_msg, goodbye.reason, MAX_TEXT)};
static const struct field tasks_fields[] = {LIST(tasks, &task_record)};
static const struct field tokens_fields[] = {LIST(tokens, &token_record)};
static const struct field attach_fields[] = {U64(struct qn_msg, attach.session)};
static const struct field get_fields[] = {HASH(struct qn_msg, get.hash, 1)};
static const struct field blob_fields[] = {
    HASH(struct qn_msg, blob.hash, 1),
    U64(struct qn_msg, blob.offset),
    U64(struct qn_msg, blob.total),
    BYTES(struct qn_msg, blob.bytes),
};
static const struct field data_fields[] = {
    RECORD(struct qn_msg, data.token, &token_record),
    U64(struct qn_msg, data.offset),
    BYTES(struct qn_msg, data.bytes),
};
static const struct field credit_fields[] = {U64(struct qn_msg, credit.bytes)};
static const struct field done_fields[] = {
    RECORD(struct qn_msg, done.token, &token_record),
    U64(struct qn_msg, done.bytes),
    RECORD(struct qn_msg, done.digest, &digest_record),
    RECORD(struct qn_msg, done.counters, &counters_record),
    RECORD(struct qn_msg, done.chunk, &chunk_record),
    U64(struct qn_msg, done.micros),
    U64(struct qn_msg, done.cpu_micros),
    U32(struct qn_msg, done.left),
    BYTES(struct qn_msg, done.rest),
};
static const struct field failed_fields[] = {
    RECORD(struct qn_msg, failed.token, &token_record),
    ENUM(struct qn_msg, failed.code, QN_EINPUT, QN_ECANCEL),
    ENUM(struct qn_msg, failed.blame, QN_BLAME_NONE, QN_BLAME_COORDINATOR),
    TEXT(struct qn_msg, failed.file, MAX_TEXT),
    U64(struct qn_msg, failed.line),
    U64(struct qn_msg, failed.column),
    TEXT(struct qn_msg, failed.message, MAX_TEXT),
};

static const struct field ask_fields[] = {U32(struct qn_msg, ask.protocol)};
static const struct field status_fields[] = {
    TEXT(struct qn_msg, status.run_id, MAX_SHORT),
    TEXT(struct qn_msg, status.spec, MAX_SHORT),
    U64(struct qn_msg, status.micros),
    U64(struct qn_msg, status.rows_read),
    U32(struct qn_msg, status.workers),
    U32(struct qn_msg, status.slots),
    U32(struct qn_msg, status.draining),
    LIST(status, &job_record),
};

static const struct field state_fields[] = {
    U32(struct qn_msg, state.job),   U32(struct qn_msg, state.stage),
    U32(struct qn_msg, state.round), U64(struct qn_msg, state.offset),
    U64(struct qn_msg, state.total), BYTES(struct qn_msg, state.bytes),
};

#define KIND(kind, fields) [QN_MSG_##kind] = {#kind, fields, N_OF(fields), sizeof(struct qn_msg)}
#define BARE_KIND(kind) [QN_MSG_##kind] = {#kind, NULL, 0, sizeof(struct qn_msg)}
static const struct record kinds[] = {
    KIND(HELLO, hello_fields),
    KIND(WELCOME, welcome_fields),
    KIND(REFUSED, refused_fields),
    KIND(TASKS, tasks_fields),
    KIND(STARTED, tokens_fields),
    KIND(RENEW, tokens_fields),
    BARE_KIND(PULSE),
    KIND(RECALL, tokens_fields),
    KIND(RETURNED, tokens_fields),
    KIND(CANCEL, tokens_fields),
    BARE_KIND(DRAIN),
    KIND(GOODBYE, goodbye_fields),
    KIND(ATTACH, attach_fields),
    KIND(GET, get_fields),
    KIND(BLOB, blob_fields),
    KIND(DATA, data_fields),
    KIND(CREDIT, credit_fields),
    KIND(DONE, done_fields),
    KIND(FAILED, failed_fields),
    KIND(ACK, tokens_fields),
    KIND(ASK, ask_fields),
    KIND(STATUS, status_fields),
    KIND(STATE, state_fields),
};

bool qn_token_eq(const struct qn_token *a, const struct qn_token *b)
{
    return a->job == b->job && a->stage == b->stage && a->round == b->round && a->unit == b->unit &&
           a->attempt == b->attempt && a->epoch == b->epoch;
}

const char *qn_msg_name(enum qn_msg_kind kind)
{
    return kind >= QN_MSG_HELLO && (size_t)kind < N_OF(kinds) ? kinds[kind].name : "UNKNOWN";
}

/* ---- what both directions check ---- */

static qn_code refuse(struct qn_err *err, const char *field, const char *why)
{
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "message field '%s' %s", field, why);
}

static bool is_sha256_hex(struct qn_strv s)
{
    if (s.len != QN_SHA256_HEX - 1)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!(s.data[i] >= '0' && s.data[i] <= '9') && !(s.data[i] >= 'a' && s.data[i] <= 'f'))
            return false;
    return true;
}

static qn_code check_run(const struct field *field, struct qn_strv run, struct qn_err *err)
{
    if (field->type == F_HASH && (run.len || field->least) && !is_sha256_hex(run))
        return refuse(err, field->name, "is not a SHA-256 in hex");
    if (run.len > field->most)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "message field '%s' has %zu bytes, at most %u are taken", field->name,
                          run.len, field->most);
    if (field->type == F_TEXT && run.len && memchr(run.data, '\0', run.len))
        return refuse(err, field->name, "holds a NUL");
    return QN_OK;
}

static qn_code check_enum(const struct field *field, uint64_t value, struct qn_err *err)
{
    if (value < field->least || value > field->most)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                          "message field '%s' is %llu, expected %u to %u", field->name,
                          (unsigned long long)value, field->least, field->most);
    return QN_OK;
}

/* ---- encode ---- */

static int write_to_buf(void *buf, const char *bytes, size_t n)
{
    qn_buf_put(buf, bytes, n);
    return 0;
}

static qn_code put_record(msgpack_packer *pk, const struct record *record, const char *base,
                          struct qn_err *err);

static qn_code put_list(msgpack_packer *pk, const struct field *field, const char *base,
                        struct qn_err *err)
{
    const char *items;
    uint32_t n;
    memcpy(&items, base + field->offset, sizeof items);
    memcpy(&n, base + field->count, sizeof n);
    if (n > field->most)
        return refuse(err, field->name, "has too many items");
    msgpack_pack_array(pk, n);
    for (uint32_t i = 0; i < n; i++) {
        msgpack_pack_array(pk, field->record->n);
        QN_TRY(put_record(pk, field->record, items + (size_t)i * field->record->size, err));
    }
    return QN_OK;
}

static qn_code put_run(msgpack_packer *pk, const struct field *field, const char *at,
                       struct qn_err *err)
{
    struct qn_strv run;
    memcpy(&run, at, sizeof run);
    QN_TRY(check_run(field, run, err));
    if (field->type == F_BYTES) {
        msgpack_pack_bin(pk, run.len);
        msgpack_pack_bin_body(pk, run.data, run.len);
    } else {
        msgpack_pack_str(pk, run.len);
        msgpack_pack_str_body(pk, run.data, run.len);
    }
    return QN_OK;
}

static qn_code put_field(msgpack_packer *pk, const struct field *field, const char *base,
                         struct qn_err *err)
{
    const char *at = base + field->offset;
    uint32_t u32;
    uint64_t u64;
    switch (field->type) {
    case F_ENUM:
        memcpy(&u32, at, sizeof u32);
        QN_TRY(check_enum(field, u32, err));
        msgpack_pack_uint32(pk, u32);
        break;
    case F_U32:
        memcpy(&u32, at, sizeof u32);
        msgpack_pack_uint32(pk, u32);
        break;
    case F_U64:
        memcpy(&u64, at, sizeof u64);
        msgpack_pack_uint64(pk, u64);
        break;
    case F_FIXED:
        msgpack_pack_bin(pk, field->most);
        msgpack_pack_bin_body(pk, at, field->most);
        break;
    case F_TEXT:
    case F_HASH:
    case F_BYTES: return put_run(pk, field, at, err);
    case F_RECORD:
        msgpack_pack_array(pk, field->record->n);
        return put_record(pk, field->record, at, err);
    case F_LIST: return put_list(pk, field, base, err);
    }
    return QN_OK;
}

static qn_code put_record(msgpack_packer *pk, const struct record *record, const char *base,
                          struct qn_err *err)
{
    for (uint32_t i = 0; i < record->n; i++)
        QN_TRY(put_field(pk, &record->fields[i], base, err));
    return QN_OK;
}

qn_code qn_msg_encode(const struct qn_msg *msg, struct qn_buf *out, struct qn_err *err)
{
    assert(msg->kind >= QN_MSG_HELLO && (size_t)msg->kind < N_OF(kinds));
    const struct record *record = &kinds[msg->kind];
    size_t start = out->len;
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, write_to_buf);
    msgpack_pack_array(&pk, record->n + 1);
    msgpack_pack_uint32(&pk, msg->kind);
    qn_code code = put_record(&pk, record, (const char *)msg, err);
    if (code == QN_OK)
        code = qn_buf_check(out, "a message", err);
    if (code == QN_OK && out->len - start > QN_MAX_FRAME_BYTES)
        code = qn_err_set(err, QN_ELIMIT, QN_BLAME_WORKER,
                          "%s message of %zu bytes, a frame holds at most %d", record->name,
                          out->len - start, QN_MAX_FRAME_BYTES);
    if (code != QN_OK) {
        qn_err_frame(err, "while encoding %s", record->name);
        out->len = start;
    }
    return code;
}

/* ---- decode ---- */

struct input {
    const uint8_t *at, *end;
    struct qn_arena *arena;
};

/* Big-endian unsigned of `bytes`; false past the end. */
static bool take_be(struct input *in, size_t bytes, uint64_t *out)
{
    if ((size_t)(in->end - in->at) < bytes)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | in->at[i];
    in->at += bytes;
    *out = value;
    return true;
}

/* Any unsigned form: positive fixint, uint 8 to 64. */
static bool take_uint(struct input *in, uint64_t *out)
{
    uint64_t tag;
    if (!take_be(in, 1, &tag))
        return false;
    if (tag < 0x80) {
        *out = tag;
        return true;
    }
    return tag >= 0xcc && tag <= 0xcf && take_be(in, (size_t)1 << (tag - 0xcc), out);
}

/* Header of an array: fixarray, array 16, array 32. */
static bool take_array(struct input *in, uint64_t *n)
{
    uint64_t tag;
    if (!take_be(in, 1, &tag))
        return false;
    if ((tag & 0xf0) == 0x90) {
        *n = tag & 0x0f;
        return true;
    }
    return (tag == 0xdc || tag == 0xdd) && take_be(in, tag == 0xdc ? 2 : 4, n);
}

/* A whole str (fixstr, str 8 to 32) or bin (8 to 32), borrowed from the frame. */
static bool take_run(struct input *in, bool binary, struct qn_strv *out)
{
    uint64_t tag, n;
    if (!take_be(in, 1, &tag))
        return false;
    uint64_t first = binary ? 0xc4 : 0xd9;
    if (!binary && (tag & 0xe0) == 0xa0)
        n = tag & 0x1f;
    else if (tag < first || tag > first + 2 || !take_be(in, (size_t)1 << (tag - first), &n))
        return false;
    if (n > (size_t)(in->end - in->at))
        return false;
    *out = (struct qn_strv){(const char *)in->at, (size_t)n};
    in->at += n;
    return true;
}

static qn_code take_record(struct input *in, const struct record *record, char *base,
                           struct qn_err *err);

static qn_code take_list(struct input *in, const struct field *field, char *base,
                         struct qn_err *err)
{
    const struct record *record = field->record;
    uint64_t n;
    if (!take_array(in, &n))
        return refuse(err, field->name, "is not an array");
    /* An item takes its own header and at least a byte for each of its fields. */
    if (n > field->most || n > (size_t)(in->end - in->at) / (record->n + 1))
        return refuse(err, field->name, "counts more items than there can be");
    char *items = qn_arena_zalloc(in->arena, n, record->size);
    if (!items)
        return qn_err_nomem(err, "a message's items");
    for (uint64_t i = 0; i < n; i++)
        QN_TRY(take_record(in, record, items + i * record->size, err));
    uint32_t count = (uint32_t)n;
    memcpy(base + field->offset, &items, sizeof items);
    memcpy(base + field->count, &count, sizeof count);
    return QN_OK;
}

static qn_code take_number(struct input *in, const struct field *field, char *at,
                           struct qn_err *err)
{
    uint64_t value;
    if (!take_uint(in, &value))
        return refuse(err, field->name, "is not an unsigned integer");
    if (field->type == F_U64) {
        memcpy(at, &value, sizeof value);
        return QN_OK;
    }
    QN_TRY(check_enum(field, value, err));
    uint32_t narrow = (uint32_t)value;
    memcpy(at, &narrow, sizeof narrow);
    return QN_OK;
}

static qn_code take_field(struct input *in, const struct field *field, char *base,
                          struct qn_err *err)
{
    char *at = base + field->offset;
    struct qn_strv run;
    switch (field->type) {
    case F_U32:
    case F_U64:
    case F_ENUM: return take_number(in, field, at, err);
    case F_TEXT:
    case F_HASH:
    case F_BYTES:
        if (!take_run(in, field->type == F_BYTES, &run))
            return refuse(err, field->name,
                          field->type == F_BYTES ? "is not bytes" : "is not text");
        QN_TRY(check_run(field, run, err));
        memcpy(at, &run, sizeof run);
        return QN_OK;
    case F_FIXED:
        if (!take_run(in, true, &run) || run.len != field->most)
            return refuse(err, field->name, "has not the size it must have");
        memcpy(at, run.data, run.len);
        return QN_OK;
    case F_RECORD: return take_record(in, field->record, at, err);
    case F_LIST: return take_list(in, field, base, err);
    }
    return QN_OK;
}

static qn_code take_fields(struct input *in, const struct record *record, uint32_t first,
                           char *base, struct qn_err *err)
{
    for (uint32_t i = first; i < record->n; i++)
        QN_TRY(take_field(in, &record->fields[i], base, err));
    return QN_OK;
}

static qn_code take_record(struct input *in, const struct record *record, char *base,
                           struct qn_err *err)
{
    uint64_t n;
    if (!take_array(in, &n) || n != record->n)
        return refuse(err, record->name, "is not an array of its fields");
    return take_fields(in, record, 0, base, err);
}

/* [kind, fields...] without the kind. HELLO is special: its first field is the protocol for ever,
 * and of a peer of another version nothing else is read, so that it can be told why not. */
static qn_code take_body(struct input *in, uint64_t n, struct qn_msg *out, struct qn_err *err)
{
    const struct record *record = &kinds[out->kind];
    uint32_t first = 0;
    if (out->kind == QN_MSG_HELLO && n > 1) {
        QN_TRY(take_field(in, &record->fields[first++], (char *)out, err));
        if (out->hello.protocol != QN_PROTOCOL_VERSION)
            return QN_OK;
    }
    if (n != record->n + 1)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "message has %llu items, expected %u",
                          (unsigned long long)n, record->n + 1);
    QN_TRY(take_fields(in, record, first, (char *)out, err));
    if (in->at != in->end)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "message has %zu bytes too many",
                          (size_t)(in->end - in->at));
    return QN_OK;
}

qn_code qn_msg_decode(struct qn_strv bytes, struct qn_arena *arena, struct qn_msg *out,
                      struct qn_err *err)
{
    memset(out, 0, sizeof *out);
    if (bytes.len > QN_MAX_FRAME_BYTES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_WORKER,
                          "message of %zu bytes, a frame holds at most %d", bytes.len,
                          QN_MAX_FRAME_BYTES);
    const uint8_t *start = (const uint8_t *)bytes.data;
    struct input in = {start, bytes.len ? start + bytes.len : start, arena};
    uint64_t n, kind;
    if (!take_array(&in, &n) || !take_uint(&in, &kind))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "not a message: no kind");
    if (kind < QN_MSG_HELLO || kind >= N_OF(kinds))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "message of unknown kind %llu",
                          (unsigned long long)kind);
    out->kind = (enum qn_msg_kind)kind;
    qn_code code = take_body(&in, n, out, err);
    if (code != QN_OK)
        qn_err_frame(err, "while decoding %s", kinds[kind].name);
    return code;
}
