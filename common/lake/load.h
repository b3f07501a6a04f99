/* load: files of a dataset on their way in. They grow in a folder of the load, _quern/loads/ID/,
 * whose lock says that whoever writes them is alive, and are moved to their places before a
 * manifest names them. Names of placed files begin with the load's id: by it `expire` tells what a
 * killed load left from what a live one is about to publish. */
#ifndef QN_LAKE_LOAD_H
#define QN_LAKE_LOAD_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

struct qn_load {
    const char *folder;  /* the dataset's; borrowed */
    const char *staging; /* where files grow; in the arena */
    int lock;            /* -1: none */
};

/* `id`: a run's, or one of its own (qn_clock_id). Makes the folder, takes its lock, and removes
 * what an earlier life of the same load left. */
QN_CHECK qn_code qn_load_begin(struct qn_load *load, const char *folder, const char *id,
                               struct qn_arena *arena, struct qn_err *err);
/* A whole, durable file to its place: `name` is from the dataset's folder. The folder that gets it
 * is not synced yet. */
QN_CHECK qn_code qn_load_place(const struct qn_load *load, const char *staged, const char *name,
                               struct qn_err *err);
/* Removes the folder with all that is in it. */
void qn_load_end(struct qn_load *load);
/* Lets go of the lock; what is there stays. */
void qn_load_close(struct qn_load *load);

/* Removes the folder of a load whose lock nobody holds; false: somebody does. */
bool qn_load_drop_dead(const char *folder, const char *id, struct qn_arena *arena);

/* Whether somebody who lives holds the load's lock. */
bool qn_load_is_live(const char *folder, const char *id);

/* The load that made a placed file, by the last part of its path; false: none of ours did. */
bool qn_load_of_file(const char *path, char id[QN_CLOCK_ID]);

#endif
