/* spec: a job spec, read and checked. Everything borrows from the spec's own arena.
 *
 * Reading stops at nothing: every mistake of form is in diags (expressions, column names and types
 * are checked later, when jobs compile, into the same diags). */
#ifndef QN_SPEC_SPEC_H
#define QN_SPEC_SPEC_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/hash.h"
#include "flow/job.h"
#include "flow/source.h"
#include "spec/node.h"

struct qn_setting { /* --set KEY=VALUE */
    const char *key, *value;
};

struct qn_spec_source {
    const char *name;
    const struct qn_node *node;
    struct qn_source_options options; /* paths not yet expanded: see qn_spec_resolve_paths */
    const struct qn_node *path;       /* path, list or glob as written; NULL: a dataset's */
    const struct qn_node *lake;       /* the dataset's name as written; NULL: none */
    uint64_t snapshot;                /* of the dataset; 0: not said */
    const char *as_of;                /* a time; NULL: not said */
    bool in_folders;                  /* its files were found in folders like dt=2026-01-01 */
    bool usable; /* its mistakes, if any, do not matter to who reads rows from it */
};

struct qn_spec_job {
    const char *name;
    struct qn_span name_span;
    const struct qn_node *node;
    const struct qn_job_ops *ops; /* NULL: of no known kind, or too wrong to compile (said) */
};

struct qn_spec {
    struct qn_arena arena;
    struct qn_strv text; /* as read; part of the plan that workers get */
    const char *path;    /* as given by the user */
    const char *folder;  /* absolute: relative paths start here */
    /* What the text alone does not say: --set, and "env:NAME" for what it took from the
     * environment. Who is to read the same spec elsewhere passes these to qn_spec_read. */
    const struct qn_setting *settings;
    uint32_t n_settings;
    char sha256[QN_SHA256_HEX]; /* of text and settings */
    const char *name;
    uint64_t seed;
    const char *warehouse; /* absolute path */
    const char *lake;      /* absolute path: the folder of the lake's datasets */
    struct qn_spec_source *sources;
    uint32_t n_sources;
    struct qn_spec_job *jobs; /* in the order written */
    uint32_t n_jobs;
    struct qn_diags diags;
    const struct qn_source_ops *const *formats; /* borrowed */
};

/* Reads a file, or text that stands for it (text.data not NULL). `settings` override `params`.
 * QN_EINPUT when diags hold errors (spec is still to be finished by _fini); QN_EIO when the file
 * cannot be read. `kinds` and `formats` are the NULL-terminated registries that names are looked up
 * in: this room knows none of them itself. */
QN_CHECK qn_code qn_spec_read(struct qn_spec *spec, const char *path, struct qn_strv text,
                              const char *folder, const struct qn_setting *settings,
                              uint32_t n_settings, const struct qn_job_ops *const *kinds,
                              const struct qn_source_ops *const *formats, struct qn_err *err);
void qn_spec_fini(struct qn_spec *spec);

/* Expands path, list, glob or folder of a source to sorted absolute paths in options.paths, each
 * once. Of a folder, files count whose suffix (or the source's `format`) tells a known format. What
 * matches no file is a complaint at its place in the spec. False after one, and for a source that
 * is not usable. */
bool qn_spec_resolve_paths(struct qn_spec *spec, struct qn_spec_source *source);

/* The path in the one spelling that it has everywhere: in/../in//./a.csv is in/a.csv, so that paths
 * of one file are equal (links to it have names of their own). In the arena; NULL: no memory. */
const char *qn_spec_tidy_path(struct qn_arena *arena, const char *path);

/* The JSON Schema (2020-12) of the spec, from the same tables. */
QN_CHECK qn_code qn_spec_json_schema(const struct qn_job_ops *const *kinds,
                                     const struct qn_source_ops *const *formats, struct qn_buf *out,
                                     struct qn_err *err);

#endif
