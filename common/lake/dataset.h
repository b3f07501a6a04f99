/* dataset: a folder of the lake and its snapshots.
 *
 *     DATASET/dt=2026-01-01/RUN-00000.parquet       data: what no manifest names is not there
 *     DATASET/_quern/snapshots/00000000000000000012.json     a manifest a snapshot, never changed
 *     DATASET/_quern/loads/RUN/                     files of a load under way, and its lock
 *
 * A snapshot comes to be by link(), which never overwrites: of two writers one has the number, the
 * other looks at what the first made and takes the next. An expired snapshot leaves an empty file
 * under its number for a while, so that nobody slow takes an old number again. */
#ifndef QN_LAKE_DATASET_H
#define QN_LAKE_DATASET_H

#include "lake/manifest.h"

/* Names below the dataset's folder. */
#define QN_LAKE_SNAPSHOTS "_quern/snapshots"
#define QN_LAKE_LOADS "_quern/loads"

/* Whether the folder is a dataset (it may have no snapshot yet). */
bool qn_dataset_is(const char *folder);

/* Makes the folder, durably. */
QN_CHECK qn_code qn_dataset_make(const char *folder, struct qn_err *err);

/* Numbers of the snapshots that are there, ascending, in the arena. A folder that is no dataset has
 * none. */
QN_CHECK qn_code qn_dataset_list(const char *folder, struct qn_arena *arena, uint64_t **numbers,
                                 uint32_t *n, struct qn_err *err);

/* A snapshot by number; 0: the newest. QN_ENOTFOUND says which there are. */
QN_CHECK qn_code qn_dataset_read(const char *folder, uint64_t number, struct qn_arena *arena,
                                 struct qn_lake_manifest *out, struct qn_err *err);
/* The newest that is no younger than `time` (ISO-8601, UTC; a date means its first instant). */
QN_CHECK qn_code qn_dataset_read_as_of(const char *folder, const char *time, struct qn_arena *arena,
                                       struct qn_lake_manifest *out, struct qn_err *err);

/* What the next snapshot holds, given the newest (NULL: there is none). Called again when another
 * writer was faster; number, parent and time are filled by the caller. Any failure ends the commit;
 * QN_EEXISTS: nothing is to be done, which is no failure. */
typedef qn_code (*qn_rebase_fn)(void *context, const struct qn_lake_manifest *base,
                                struct qn_arena *arena, struct qn_lake_manifest *next,
                                struct qn_err *err);
/* Makes a snapshot; everything that it names is durable already. *number: its own, or the newest
 * when nothing was to be done. */
QN_CHECK qn_code qn_dataset_commit(const char *folder, qn_rebase_fn rebase, void *context,
                                   uint64_t *number, struct qn_err *err);

/* The snapshot that this job of this run made: QN_ENOTFOUND when none did. */
QN_CHECK qn_code qn_dataset_find_run(const char *folder, const char *run, const char *job,
                                     uint64_t *number, struct qn_err *err);

#endif
