/* plan: a spec made ready to run: sources inspected, jobs compiled in the order of their needs.
 *
 * The coordinator makes the plan and packs it; a worker unpacks the same bytes and compiles the
 * same jobs, so that both sides hold equal stages and schemas without sending compiled code. */
#ifndef QN_JOBS_PLAN_H
#define QN_JOBS_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "flow/job.h"
#include "flow/source.h"
#include "jobs/folders.h"
#include "spec/spec.h"

struct qn_lake_manifest; /* lake/manifest.h */

struct qn_plan_source {
    struct qn_source_info info; /* of the files */
    struct qn_folders folders;  /* what they are in */
    struct qn_schema schema;    /* of the rows: columns of files and folders */
    const struct qn_source_ops *ops;
    uint64_t bytes;                          /* of all its files */
    const struct qn_lake_manifest *manifest; /* coordinator: of the dataset it is; NULL: none */
    bool ready;                              /* inspected without complaint */
    const struct qn_gaps *gaps; /* when not ready: what its schema does not tell; NULL: anything */
};

enum qn_plan_job_state { QN_PLAN_TODO, QN_PLAN_COMPILING, QN_PLAN_READY, QN_PLAN_REFUSED };

struct qn_plan_job {
    struct qn_job job;
    enum qn_plan_job_state state;
    bool *needs;          /* [n_jobs]: reads rows or a model of that job */
    bool wanted;          /* selected, or needed by one that is */
    uint64_t input_bytes; /* what its first input holds, as far as known when planning */
};

struct qn_plan {
    struct qn_arena arena;
    struct qn_spec spec;
    struct qn_plan_source *sources; /* as in spec.sources */
    struct qn_plan_job *jobs;       /* as in spec.jobs */
    uint32_t *order;                /* job indexes, needs first */
    uint32_t n_order;
};

/* The snapshot of a dataset that a source reads in the place of the newest. */
struct qn_pin {
    const char *source;
    uint64_t snapshot;
};

struct qn_plan_options {
    const char *path; /* of the spec */
    struct qn_strv
        text; /* data not NULL: stands for the file, and relative paths start at folder */
    const char *folder;
    const struct qn_setting *settings;
    uint32_t n_settings;
    const char *const *select; /* names of jobs; they and what they need are wanted */
    uint32_t n_select;         /* 0: all are */
    const struct qn_pin *pins; /* of a run that is gone on with */
    uint32_t n_pins;
};

/* Reads the spec, inspects sources, compiles jobs. QN_EINPUT: plan->spec.diags holds every mistake
 * found; render them. QN_ENOTFOUND: a selected job is none of the spec's. The plan must be finished
 * by qn_plan_fini in every case. */
QN_CHECK qn_code qn_plan_make(struct qn_plan *plan, const struct qn_plan_options *options,
                              struct qn_err *err);
void qn_plan_fini(struct qn_plan *plan);

/* QN_EINPUT when a source reads the warehouse that the run writes: it would change under it. */
QN_CHECK qn_code qn_plan_check_warehouse(const struct qn_plan *plan, struct qn_err *err);

/* The plan as bytes for workers. */
void qn_plan_pack(const struct qn_plan *plan, struct qn_buf *out);
/* A worker's side of it; never touches the sources' files. */
QN_CHECK qn_code qn_plan_unpack(struct qn_plan *plan, struct qn_strv bytes, struct qn_err *err);

/* Position of a job by name, or -1. */
int32_t qn_plan_find_job(const struct qn_plan *plan, const char *name);

#endif
