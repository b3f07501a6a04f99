/* limits: every cap of the engine with its reason. Units are in the names. */
#ifndef QN_BASE_LIMITS_H
#define QN_BASE_LIMITS_H

enum {
    /* A table wider than this is a mistake more often than a table; SQLite stops at 2000 too. */
    QN_MAX_COLUMNS = 2000,
    /* Specs are written by people: more jobs than this is a generator gone wrong. */
    QN_MAX_JOBS = 1000,
    QN_MAX_SOURCES = 1000,
    QN_MAX_INDEXES = 64, /* of one table, and columns of one: each costs as much as the load */
    QN_MAX_STAGES = 48,  /* per job; an etl job uses at most two per fitted step, three per join,
                            plus two */
    QN_MAX_SIDES = 8,    /* datasets a job may join to */
    QN_MAX_SPEC_BYTES = 1 << 20,
    QN_MAX_SPEC_DEPTH = 24,
    QN_MAX_SPEC_NODES = 100000, /* values in a spec: a megabyte of "[a,a,..." is no spec */
    QN_MAX_FILES = 100000,      /* of one source; each takes an entry in the plan */
    QN_MAX_EXPR_DEPTH = 200,    /* recursion in the expression parser */
    QN_MAX_EXPR_BYTES = 64 << 10,
    /* One field of text: past this the reader refuses the row instead of growing. */
    QN_MAX_FIELD_BYTES = 16 << 20,
    QN_MAX_RECORD_BYTES = 64 << 20,
    /* Rows a batch: columns of 8 bytes stay within a second-level cache. */
    QN_BATCH_ROWS = 8192,
    /* Frames on the wire: small enough that heartbeats never wait long behind one. */
    QN_MAX_FRAME_BYTES = 1 << 20,
    /* Text bytes a batch may hold: a batch always fits a frame of its own (see wire/codec.h). */
    QN_MAX_DIAGNOSTICS = 200, /* past this a spec is not a spec */
    /* More, and a part's runs of rows get too short to be worth a read each. */
    QN_MAX_PARTITIONS = 128,
    QN_MAX_WORKERS = 10000,
    /* Columns a dataset of the lake is partitioned by: each is a level of folders. */
    QN_MAX_PARTITION_COLUMNS = 8,
    /* Folders that one task's rows fall into: each has a writer with its own buffers, and becomes a
     * file; more make files of a few rows. */
    QN_MAX_OPEN_PARTITIONS = 2000,
    QN_MAX_FEATURES = 2000,    /* design-matrix columns of a model */
    QN_MAX_CATEGORIES = 10000, /* per feature; more is an identifier, not a category */
    QN_MAX_CANDIDATES = 512,   /* of a search; each is fitted once a fold, or more */
    QN_MAX_FOLDS = 20,         /* of a search; more cost more and tell little more */
    /* most_frequent counts every value of a column; past this the column is an identifier. */
    QN_MAX_COUNTED_VALUES = 1 << 20,
    /* A median past this many values is that of a sample: its rank is then off by < 0.2 %. */
    QN_MEDIAN_SAMPLE = 200000,
    /* Rows a dedupe or a unique test may refuse: their ids are broadcast, 16 bytes each. */
    QN_MAX_REFUSED_ROWS = 8 << 20,
};

/* Without a chunk_size in the spec. Large enough to amortise a task, small enough to balance. */
#define QN_DEFAULT_CHUNK_BYTES (UINT64_C(16) << 20)

/* Files of a lake grow to this: few enough to open, small enough to read by several tasks. */
#define QN_DEFAULT_FILE_BYTES (UINT64_C(128) << 20)

#endif
