/* The inside of a landing, for coordinator/landing*.c only. */
#ifndef QN_COORDINATOR_LANDING_INTERNAL_H
#define QN_COORDINATOR_LANDING_INTERNAL_H

#include "coordinator/id_map.h"
#include "coordinator/landing.h"
#include "flow/bounds.h"
#include "lake/load.h"

struct qn_landing_place;

/* A file that grows, or is whole. */
struct qn_landing_file {
    const struct qn_landing_place *place;
    const char *staged; /* where it grows */
    const char *name;   /* from the dataset's folder, once published */
    uint64_t rows, bytes;
    struct qn_segment *segments;
    uint32_t n_segments, capacity;
    struct qn_bounds *bounds; /* by column of the files */
    bool whole;               /* and durable */
};

/* A folder that rows fall into. */
struct qn_landing_place {
    struct qn_landing_place *same_hash;
    struct qn_strv key;        /* wire/segments.h */
    const char *folder;        /* dt=2026-01-01/, or empty */
    const char *const *values; /* by partition column; NULL: NULL */
    struct qn_landing_file *growing;
};

struct qn_landing {
    struct qn_landing_options options;
    const struct qn_into_files *files;
    struct qn_arena arena, unit_arena;
    struct qn_load load; /* of a single file: `staging` is the folder it goes to,
                            `lock` the growing file */
    bool published;      /* by an earlier life of the run */
    struct qn_id_map places;
    struct qn_landing_file **all; /* in the order they were begun */
    uint32_t n_files, capacity;
};

/* Ends a file: its tail, and all of it durable. */
QN_CHECK qn_code qn_landing_finish_file(struct qn_landing *landing, struct qn_landing_file *file,
                                        struct qn_err *err);
/* A file of no rows, when there is none. */
QN_CHECK qn_code qn_landing_need_one(struct qn_landing *landing, struct qn_err *err);

/* QN_EINPUT with blame job: rows of these columns cannot be added to what is there. */
QN_CHECK qn_code qn_landing_check_fit(const struct qn_landing *landing, struct qn_err *err);

#endif
