#include "coordinator/sum_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"

#define MAGIC "QNSUMS01"
enum { START_BYTES = 16, HEADER_BYTES = 48, CHECKED_BYTES = 40 };
/* Of thousands of units the sums are not worth their way to the disk. */
static const uint64_t MOST_BYTES = UINT64_C(256) << 20;

struct entry {
    uint32_t round, unit;
    uint64_t at, bytes; /* of the part */
};

struct qn_sum_log {
    char *path;
    int fd;
    uint64_t key, stretch;
    uint64_t end; /* of the records */
    struct entry *entries;
    uint32_t n, capacity;
};

/* --- records ---------------------------------------------------------------------------------- */

static qn_code note(struct qn_sum_log *log, uint32_t round, uint32_t unit, uint64_t bytes,
                    struct qn_err *err)
{
    if (log->n == log->capacity) {
        uint32_t capacity = log->capacity ? log->capacity * 2 : 64;
        struct entry *wider = realloc(log->entries, capacity * sizeof *wider);
        if (!wider)
            return qn_err_nomem(err, "a log of sums");
        log->entries = wider;
        log->capacity = capacity;
    }
    log->entries[log->n++] = (struct entry){round, unit, log->end + HEADER_BYTES, bytes};
    log->end += HEADER_BYTES + bytes;
    return QN_OK;
}

/* The latest come last, and are what is asked for. */
static const struct entry *find(const struct qn_sum_log *log, uint32_t round, uint32_t unit)
{
    for (uint32_t i = log->n; i-- > 0;)
        if (log->entries[i].round == round && log->entries[i].unit == unit)
            return &log->entries[i];
    return NULL;
}

/* Takes in the record at the end of those that are known, if there is a good one. */
static qn_code take_record(struct qn_sum_log *log, struct qn_buf *part, bool *taken,
                           struct qn_err *err)
{
    uint8_t header[HEADER_BYTES];
    *taken = false;
    if (!qn_disk_get(log->fd, log->end, header, sizeof header))
        return QN_OK;
    struct qn_unpack in = qn_unpack_from((struct qn_strv){(const char *)header, sizeof header});
    uint64_t stretch = qn_unpack_u64(&in);
    uint32_t round = qn_unpack_u32(&in), unit = qn_unpack_u32(&in);
    uint64_t bytes = qn_unpack_u64(&in);
    struct qn_hash128 digest = {.low = qn_unpack_u64(&in), .high = qn_unpack_u64(&in)};
    if (qn_unpack_u64(&in) != qn_hash64(header, CHECKED_BYTES, log->key) || bytes > MOST_BYTES ||
        (log->n && stretch != log->stretch))
        return QN_OK;
    log->stretch = stretch;
    qn_buf_clear(part);
    uint8_t *room = qn_buf_reserve(part, (size_t)bytes + 1);
    if (!room)
        return qn_err_nomem(err, "a log of sums");
    if (!qn_disk_get(log->fd, log->end + HEADER_BYTES, room, (size_t)bytes))
        return QN_OK;
    struct qn_hash128 found = qn_hash128(room, (size_t)bytes, 0);
    if (found.low != digest.low || found.high != digest.high)
        return QN_OK;
    *taken = true;
    return note(log, round, unit, bytes, err);
}

static qn_code take_records(struct qn_sum_log *log, struct qn_err *err)
{
    struct qn_buf part;
    bool taken = true;
    qn_code code = QN_OK;
    qn_buf_init(&part);
    while (code == QN_OK && taken)
        code = take_record(log, &part, &taken, err);
    qn_buf_fini(&part);
    return code;
}

/* --- opening ---------------------------------------------------------------------------------- */

static qn_code take_file(struct qn_sum_log *log, struct qn_err *err)
{
    uint8_t start[START_BYTES];
    struct qn_buf expected;
    qn_buf_init(&expected);
    qn_buf_put(&expected, MAGIC, sizeof MAGIC - 1);
    qn_buf_put_u64(&expected, log->key);
    qn_code code = qn_buf_check(&expected, "a log of sums", err);
    bool ours = code == QN_OK && qn_disk_get(log->fd, 0, start, sizeof start) &&
                memcmp(start, expected.data, sizeof start) == 0;
    if (ours)
        code = take_records(log, err);
    else if (code == QN_OK && ftruncate(log->fd, 0) != 0)
        code = qn_err_io(err, "empty", log->path);
    else if (code == QN_OK)
        code = qn_disk_put(log->fd, log->path, qn_buf_strv(&expected), 0, err);
    qn_buf_fini(&expected);
    return code;
}

qn_code qn_sum_log_open(const char *path, uint64_t key, struct qn_sum_log **out, struct qn_err *err)
{
    struct qn_sum_log *log = calloc(1, sizeof *log);
    *out = NULL;
    if (!log || !(log->path = strdup(path))) {
        free(log);
        return qn_err_nomem(err, "a log of sums");
    }
    log->key = key;
    log->end = START_BYTES;
    log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    qn_code code = log->fd >= 0 ? take_file(log, err) : qn_err_io(err, "open", path);
    if (code != QN_OK) {
        qn_sum_log_close(log);
        return code;
    }
    *out = log;
    return QN_OK;
}

void qn_sum_log_close(struct qn_sum_log *log)
{
    if (!log)
        return;
    if (log->fd >= 0)
        close(log->fd);
    free(log->entries);
    free(log->path);
    free(log);
}

/* --- what is in it ---------------------------------------------------------------------------- */

bool qn_sum_log_first(const struct qn_sum_log *log, uint32_t *round)
{
    *round = log->n ? log->entries[0].round : 0;
    return log->n > 0;
}

bool qn_sum_log_has(const struct qn_sum_log *log, uint32_t round, uint32_t unit)
{
    return find(log, round, unit) != NULL;
}

qn_code qn_sum_log_get(const struct qn_sum_log *log, uint32_t round, uint32_t unit,
                       struct qn_buf *part, struct qn_err *err)
{
    const struct entry *entry = find(log, round, unit);
    if (!entry)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_COORDINATOR, "no sums of unit %u", unit);
    uint8_t *room = qn_buf_reserve(part, (size_t)entry->bytes + 1);
    if (!room)
        return qn_err_nomem(err, "a log of sums");
    if (!qn_disk_get(log->fd, entry->at, room, (size_t)entry->bytes))
        return qn_err_io(err, "read", log->path);
    part->len += (size_t)entry->bytes;
    return QN_OK;
}

qn_code qn_sum_log_put(struct qn_sum_log *log, uint32_t round, uint32_t unit, struct qn_strv part,
                       struct qn_hash128 digest, struct qn_err *err)
{
    struct qn_buf header;
    if (find(log, round, unit) || log->end + HEADER_BYTES + part.len > MOST_BYTES)
        return QN_OK;
    qn_buf_init(&header);
    qn_buf_put_u64(&header, log->stretch);
    qn_buf_put_u32(&header, round);
    qn_buf_put_u32(&header, unit);
    qn_buf_put_u64(&header, part.len);
    qn_buf_put_u64(&header, digest.low);
    qn_buf_put_u64(&header, digest.high);
    qn_buf_put_u64(&header, qn_hash64(header.data, header.len, log->key));
    qn_code code = qn_buf_check(&header, "a log of sums", err);
    if (code == QN_OK)
        code = qn_disk_put(log->fd, log->path, qn_buf_strv(&header), log->end, err);
    if (code == QN_OK)
        code = qn_disk_put(log->fd, log->path, part, log->end + HEADER_BYTES, err);
    qn_buf_fini(&header);
    return code == QN_OK ? note(log, round, unit, part.len, err) : code;
}

void qn_sum_log_restart(struct qn_sum_log *log)
{
    if (log->n == 0)
        return;
    log->n = 0;
    log->end = START_BYTES;
    log->stretch++;
}
