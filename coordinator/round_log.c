#include "coordinator/round_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/hash.h"

#define MAGIC "QNROUND1"
enum { START_BYTES = 16, HEADER_BYTES = 32 };
/* A state past this is none. */
static const uint64_t MAX_RECORD_BYTES = UINT64_C(1) << 30;
/* A log past this, and past so many times the state that it comes to, begins anew with that. */
static const uint64_t STALE_BYTES = UINT64_C(16) << 20;
enum { STALE_TIMES = 4 };

struct qn_round_log {
    char *path;
    int fd;
    uint64_t key;
    uint64_t end; /* of the records that are good */
    bool read;    /* all of them were */
    struct qn_buf bytes;
};

/* --- bytes ------------------------------------------------------------------------------------ */

static uint64_t check_of(const struct qn_round_record *record)
{
    uint64_t seed = qn_mix64((uint64_t)record->round << 32 | (uint64_t)record->kind);
    seed = qn_mix64(seed ^ record->kept) ^ record->bytes.len;
    return qn_hash64(record->bytes.data, record->bytes.len, seed);
}

static void put_start(struct qn_buf *out, uint64_t key)
{
    qn_buf_put(out, MAGIC, sizeof MAGIC - 1);
    qn_buf_put_u64(out, key);
}

static void put_record(struct qn_buf *out, const struct qn_round_record *record)
{
    qn_buf_put_u32(out, record->round);
    qn_buf_put_u32(out, (uint32_t)record->kind);
    qn_buf_put_u64(out, record->kept);
    qn_buf_put_u64(out, record->bytes.len);
    qn_buf_put_u64(out, check_of(record));
    qn_buf_put(out, record->bytes.data, record->bytes.len);
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool is_ours(const struct qn_round_log *log)
{
    char start[START_BYTES];
    struct qn_buf expected;
    qn_buf_init(&expected);
    put_start(&expected, log->key);
    bool same = !expected.failed && qn_disk_get(log->fd, 0, start, sizeof start) &&
                memcmp(start, expected.data, sizeof start) == 0;
    qn_buf_fini(&expected);
    return same;
}

static qn_code begin_anew(struct qn_round_log *log, struct qn_err *err)
{
    if (ftruncate(log->fd, 0) != 0)
        return qn_err_io(err, "empty", log->path);
    qn_buf_clear(&log->bytes);
    put_start(&log->bytes, log->key);
    QN_TRY(qn_buf_check(&log->bytes, "a log of rounds", err));
    return qn_disk_put(log->fd, log->path, qn_buf_strv(&log->bytes), 0, err);
}

qn_code qn_round_log_open(const char *path, uint64_t key, struct qn_round_log **out,
                          struct qn_err *err)
{
    struct qn_round_log *log = calloc(1, sizeof *log);
    *out = NULL;
    if (!log || !(log->path = strdup(path))) {
        free(log);
        return qn_err_nomem(err, "a log of rounds");
    }
    qn_buf_init(&log->bytes);
    log->key = key;
    log->end = START_BYTES;
    log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    qn_code code = log->fd >= 0 ? QN_OK : qn_err_io(err, "open", path);
    if (code == QN_OK && !is_ours(log))
        code = begin_anew(log, err);
    if (code != QN_OK) {
        qn_round_log_close(log);
        return code;
    }
    *out = log;
    return QN_OK;
}

void qn_round_log_close(struct qn_round_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    qn_buf_fini(&log->bytes);
    free(log->path);
    free(log);
}

/* --- records ---------------------------------------------------------------------------------- */

/* The record at the end of those that are good; false: there is none. */
static bool read_record(struct qn_round_log *log, struct qn_round_record *out)
{
    uint8_t header[HEADER_BYTES];
    if (!qn_disk_get(log->fd, log->end, header, sizeof header))
        return false;
    struct qn_unpack in = qn_unpack_from((struct qn_strv){(const char *)header, sizeof header});
    uint32_t round = qn_unpack_u32(&in), kind = qn_unpack_u32(&in);
    uint64_t kept = qn_unpack_u64(&in), bytes = qn_unpack_u64(&in), check = qn_unpack_u64(&in);
    off_t size = lseek(log->fd, 0, SEEK_END);
    if (kind < QN_ROUND_REPEAT || kind > QN_ROUND_LAST || bytes > MAX_RECORD_BYTES || size < 0 ||
        bytes > (uint64_t)size - log->end - HEADER_BYTES)
        return false;
    qn_buf_clear(&log->bytes);
    uint8_t *room = qn_buf_reserve(&log->bytes, (size_t)bytes + 1);
    if (!room || !qn_disk_get(log->fd, log->end + HEADER_BYTES, room, (size_t)bytes))
        return false;
    struct qn_strv read = {(const char *)room, (size_t)bytes};
    *out = (struct qn_round_record){round, (enum qn_round_kind)kind, kept, read};
    return check == check_of(out);
}

qn_code qn_round_log_next(struct qn_round_log *log, struct qn_round_record *out, struct qn_err *err)
{
    if (!log->read && read_record(log, out)) {
        log->end += HEADER_BYTES + out->bytes.len;
        return QN_OK;
    }
    log->read = true;
    if (ftruncate(log->fd, (off_t)log->end) != 0)
        return qn_err_io(err, "cut", log->path);
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "no more rounds are logged");
}

/* A new file with this record alone takes the place of the one that has grown too long. */
static qn_code replace(struct qn_round_log *log, const struct qn_round_record *record,
                       struct qn_err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.new", log->path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return qn_err_io(err, "create", path);
    close(log->fd);
    log->fd = fd;
    qn_buf_clear(&log->bytes);
    put_start(&log->bytes, log->key);
    put_record(&log->bytes, record);
    QN_TRY(qn_buf_check(&log->bytes, "a log of rounds", err));
    QN_TRY(qn_disk_put(log->fd, log->path, qn_buf_strv(&log->bytes), 0, err));
    log->end = log->bytes.len;
    return rename(path, log->path) == 0 ? QN_OK : qn_err_io(err, "keep", log->path);
}

qn_code qn_round_log_put(struct qn_round_log *log, const struct qn_round_record *record,
                         struct qn_strv state, struct qn_err *err)
{
    if (state.len > MAX_RECORD_BYTES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the state of a round takes %zu bytes",
                          state.len);
    if (log->end > STALE_BYTES && log->end / STALE_TIMES > state.len) {
        const struct qn_round_record whole = {record->round, record->kind, 0, state};
        return replace(log, &whole, err);
    }
    qn_buf_clear(&log->bytes);
    put_record(&log->bytes, record);
    QN_TRY(qn_buf_check(&log->bytes, "a log of rounds", err));
    QN_TRY(qn_disk_put(log->fd, log->path, qn_buf_strv(&log->bytes), log->end, err));
    log->end += log->bytes.len;
    return QN_OK;
}
