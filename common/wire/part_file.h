/* part_file: the records of a part file, one after another, through one buffer that is reused. */
#ifndef QN_WIRE_PART_FILE_H
#define QN_WIRE_PART_FILE_H

#include "base/err.h"
#include "base/strv.h"

#define QN_PART_MAGIC "QNPART1\n"

struct qn_part_file {
    int fd;           /* -1: closed */
    const char *path; /* borrowed */
    uint64_t size;    /* when opened; a part file does not change */
    uint64_t at;      /* offset in the file of the first byte after the buffered ones */
    uint8_t *data;    /* buffered: [begin, end) */
    size_t begin, end, capacity;
    uint32_t left; /* payload bytes of the current record, not yet taken */
};

struct qn_part_record {
    uint8_t kind; /* as the file says: may be none of enum qn_part_kind */
    uint32_t partition;
    uint32_t bytes; /* of the payload; all in the file */
};

void qn_part_file_init(struct qn_part_file *file);
void qn_part_file_fini(struct qn_part_file *file);

/* Checks the magic. A file that is open is closed first; the buffer stays. */
QN_CHECK qn_code qn_part_file_open(struct qn_part_file *file, const char *path, struct qn_err *err);
void qn_part_file_close(struct qn_part_file *file);

/* The next record's header; QN_ENOTFOUND after the last. A payload not asked for is not read. */
QN_CHECK qn_code qn_part_file_next(struct qn_part_file *file, struct qn_part_record *record,
                                   struct qn_err *err);
/* Its payload, once; good until the next call. */
QN_CHECK qn_code qn_part_file_payload(struct qn_part_file *file, struct qn_strv *out,
                                      struct qn_err *err);

#endif
