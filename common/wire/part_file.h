/* part_file: the records of a part, in a file or in memory. Its index at the end says where those
 * of each kind and partition lie, so that a reader of one partition touches no other's bytes. */
#ifndef QN_WIRE_PART_FILE_H
#define QN_WIRE_PART_FILE_H

#include "base/err.h"
#include "base/hash.h"
#include "base/strv.h"

#define QN_PART_MAGIC "QNPART3\n"

/* Records of one kind and partition, one after another. */
struct qn_part_run {
    uint8_t kind; /* as the file says: may be none of enum qn_part_kind */
    uint32_t partition;
    uint64_t offset, bytes, rows;
};

/* What a record's header says of its payload. */
static inline uint64_t qn_part_check(uint8_t kind, uint32_t partition, struct qn_strv payload)
{
    return qn_hash64(payload.data, payload.len, (uint64_t)kind << 32 | partition);
}

struct qn_part_file {
    int fd;           /* -1: closed, or in memory */
    const char *path; /* borrowed */
    uint64_t size;    /* when opened; a part file does not change */
    struct qn_part_run *runs;
    uint32_t n_runs, runs_capacity;
    uint32_t next_run;
    struct qn_part_run run; /* the one being read */
    uint64_t run_end;       /* its end in the file */
    uint64_t at;            /* offset in the file of the first byte after the buffered ones */
    const uint8_t *data;    /* buffered: [begin, end); of a part in memory all of it, borrowed */
    size_t begin, end;
    uint8_t *room; /* what a file is read into */
    size_t capacity;
};

void qn_part_file_init(struct qn_part_file *file);
void qn_part_file_fini(struct qn_part_file *file);

/* Checks magic and index. A file that is open is closed first; the memory stays. */
QN_CHECK qn_code qn_part_file_open(struct qn_part_file *file, const char *path, struct qn_err *err);
/* The same of a part that lies in memory, borrowed until close; `name` is for messages. */
QN_CHECK qn_code qn_part_file_open_bytes(struct qn_part_file *file, struct qn_strv bytes,
                                         const char *name, struct qn_err *err);
void qn_part_file_close(struct qn_part_file *file);

/* Which runs are wanted: of a kind from `kinds` (bit 1 << kind), of partitions [first, end). */
struct qn_part_query {
    uint32_t kinds, first, end;
};

/* The next wanted record's payload, good until the next call, and its kind; QN_ENOTFOUND after the
 * last. */
QN_CHECK qn_code qn_part_file_next(struct qn_part_file *file, const struct qn_part_query *query,
                                   uint8_t *kind, struct qn_strv *payload, struct qn_err *err);

/* The same, but says where the payload lies in the file and does not read it, nor check it. */
QN_CHECK qn_code qn_part_file_next_place(struct qn_part_file *file,
                                         const struct qn_part_query *query, uint32_t *partition,
                                         uint64_t *offset, uint32_t *bytes, struct qn_err *err);

/* Rows of all wanted runs, as the index says. */
uint64_t qn_part_file_rows(const struct qn_part_file *file, const struct qn_part_query *query);

#endif
