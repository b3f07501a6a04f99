/* source: how a format is read. One format is one file in common/sources/ that fills one const
 * struct qn_source_ops, and one line in sources.def.
 *
 * Order of calls, on the coordinator:  inspect, then chunks per file;
 * on a worker:  open(chunk), (only), next()* until no rows, (locate at any time), result, close.
 * Who learns between two next() what else it does not want says so by another only.
 * Nothing here is shared between threads: one reader belongs to one executor. */
#ifndef QN_FLOW_SOURCE_H
#define QN_FLOW_SOURCE_H

#include "base/diag.h"
#include "flow/batch.h"
#include "flow/condition.h"
#include "flow/reject.h"

/* A column as the spec declares it. */
struct qn_column_decl {
    const char *name;
    struct qn_type type;
    const char *const *null_values; /* texts that mean NULL; NULL list: {""} */
    uint32_t n_null_values;
    struct qn_span span; /* for complaints */
};

enum qn_on_malformed { QN_MALFORMED_QUARANTINE, QN_MALFORMED_FAIL, QN_MALFORMED_SKIP };

/* What becomes of what the schema does not have (schema_contract). */
enum qn_contract {
    QN_CONTRACT_NONE, /* not said: as on_malformed has it */
    QN_CONTRACT_EVOLVE,
    QN_CONTRACT_FREEZE,
    QN_CONTRACT_QUARANTINE,
};

/* What the spec says of a source; 0, NULL and -1 mean "left out: sniff it". */
struct qn_source_options {
    const char *name;
    const char *const *paths; /* as resolved: globs and folders already expanded, sorted */
    uint32_t n_paths;
    const char *format; /* NULL: from the suffix */
    char delimiter, quote, escape, comment;
    bool no_quote; /* quote: "" */
    int header;    /* 1 yes, 0 no, -1 sniff */
    const char *encoding;
    int64_t skip_rows;               /* lines before the header; -1: none given */
    uint64_t chunk_bytes;            /* 0: QN_DEFAULT_CHUNK_BYTES */
    const char *table, *query, *key; /* of databases: one of the first two, and a unique integer
                                        column to split by */
    enum qn_on_malformed on_malformed;
    const struct qn_column_decl *columns; /* declared columns: NULL when all are inferred.
        With a header they are found by name (undeclared columns of the file are inferred and read
        too; a declared one that is missing is an error); without, by position. */
    uint32_t n_columns;
    const char *const *null_values; /* for columns that declare none of their own */
    uint32_t n_null_values;
    enum qn_contract columns_contract, data_type_contract;
    const char *raw;     /* JSON: a column of this name holds the record as it stands */
    const char *records; /* JSON: path of the array whose elements are the records */
};

/* What inspect found out; plain data, packed into the plan that workers get. */
struct qn_source_info {
    const char *name;
    const char *format;
    struct qn_schema schema; /* columns that rows will have, in file order */
    struct qn_strv dialect;  /* the format's own bytes (delimiter, null texts, header mode, ...) */
    enum qn_on_malformed on_malformed;
    uint64_t plain_bytes; /* what the rows take where nothing stands for them, no compression and no
                             dictionary; 0: the files tell only their own size */
    /* What the coordinator says of the files; not in the plan. Borrowed from the options. */
    const char *told_by;     /* the file that was sniffed: the first that is not empty */
    const char *first_empty; /* of n_empty files that hold no byte of text; NULL: none */
    uint32_t n_empty;
    const char *compression; /* of the files, for people: "gzip (...)"; NULL: none */
};

/* A fixed piece of a file. Boundaries depend on the file and the spec alone. */
#define QN_START_UNKNOWN UINT64_MAX
struct qn_chunk {
    uint32_t file_index; /* in qn_source_options.paths */
    const char *path;
    uint64_t begin, end; /* records whose first byte lies in [begin, end) are this chunk's */
    uint64_t start;      /* where its first record begins when known, else QN_START_UNKNOWN: the
                             reader guesses and says so in its result; see qn_chunk_result */
    uint64_t file_bytes;
    /* Of compressed text, whose offsets (begin, end, start) count decompressed bytes and whose last
     * chunk may end at UINT64_MAX, for nobody knows how long it is: where in the file the frame
     * begins that reading starts with, and the first one that is the next chunk's (or the file's
     * size). 0 and 0 for files that are read as they are. */
    uint64_t file_begin, file_end;
};

/* Filled when a chunk was read to its end. Chunk k + 1 was guessed right when its first_start
 * equals chunk k's next_start; else it is read again with `start` set to that
 * (a next_start past its end makes it empty and is passed on). */
struct qn_chunk_result {
    uint64_t first_start; /* offset of the first record taken (== next_start when none) */
    uint64_t next_start;  /* offset of the first record after this chunk's, or the file's size */
    uint64_t lines;       /* line ends between first_start and next_start; of a file's first chunk
                             from the file's start, so that global lines are plain sums */
    uint64_t records;     /* records seen: rows given out + rejects + skipped */
    uint64_t skipped;     /* records that nobody was given: malformed ones under on_malformed: skip,
                             and what only() let the reader leave out */
};

struct qn_location {
    uint64_t byte_offset; /* in the file */
    uint64_t line;        /* 0-based, relative to first_start */
    struct qn_strv raw;   /* the record's bytes without line end; good until the next call */
};

struct qn_reader;

struct qn_reader_ops {
    /* Before a next(): from it on rows that do not meet the condition need not be given out. Those
     * left out are counted (records, skipped) but not looked at. Columns are those of the source's
     * whole schema; all that the condition reads are among the wanted ones. It stays borrowed until
     * the next one, which takes its place, or close. NULL: every row is given out. */
    QN_CHECK qn_code (*only)(struct qn_reader *reader, const struct qn_condition *condition,
                             struct qn_err *err);
    /* Up to QN_BATCH_ROWS rows; n_rows 0 means the end. Malformed records go to `rejects`
     * (or fail with blame input under on_malformed: fail). Batch is good until the next call. */
    QN_CHECK qn_code (*next)(struct qn_reader *reader, struct qn_batch *batch,
                             struct qn_rejects *rejects, struct qn_err *err);
    /* Of a row of the reader's, by qn_batch.origin. */
    QN_CHECK qn_code (*locate)(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                               struct qn_err *err);
    /* Only after the end. */
    void (*result)(const struct qn_reader *reader, struct qn_chunk_result *out);
    void (*close)(struct qn_reader *reader); /* frees reader too */
};

/* First member of every reader. */
struct qn_reader {
    const struct qn_reader_ops *ops;
    const struct qn_schema *schema; /* of the batches: the projected columns */
    uint64_t base;                  /* byte offset that the last batch's origins count from: with
                                       file_index and origin it names a row whatever the chunk
                                       size. Chunks past 4 GiB move it on between batches. */
    uint32_t file_index;
    const char *file; /* as users know it; empty for datasets */
};

struct qn_source_ops {
    const char *format;          /* "csv" */
    const char *const *suffixes; /* {".csv", ".tsv", NULL} */
    /* Coordinator. Sniffs dialect and types from a sample, checks every file's header against the
     * first. Everything else `info` points to lives in the arena. Errors name file:line:col. */
    QN_CHECK qn_code (*inspect)(const struct qn_source_options *options, struct qn_arena *arena,
                                struct qn_source_info *info, struct qn_err *err);
    /* Coordinator. Chunks of one file, appended in order to *chunks (arena-owned array of *n). */
    QN_CHECK qn_code (*chunks)(const struct qn_source_options *options,
                               const struct qn_source_info *info, uint32_t file_index,
                               struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                               struct qn_err *err);
    /* Coordinator. How the files are written, in one line for people: declared or sniffed. Appends;
     * NULL: the format has only one way. */
    void (*describe)(const struct qn_source_info *info, struct qn_buf *out);
    /* Worker. `wanted[i]` false: column i need not be decoded and is left out of the batches.
     * The chunk's path stays borrowed until close. */
    QN_CHECK qn_code (*open)(const struct qn_source_info *info, const struct qn_chunk *chunk,
                             const bool *wanted, struct qn_reader **out, struct qn_err *err);
};

/* By name, or by the suffix of a path, behind which the suffix of a compression may stand; NULL
 * when unknown. (common/sources/registry.c) */
const struct qn_source_ops *qn_source_find(const char *format);
const struct qn_source_ops *qn_source_by_suffix(const char *path);
/* All formats, NULL-terminated: what the conformance tests walk. */
const struct qn_source_ops *const *qn_source_all(void);

#endif
