/* scratch: a run's folder in the state folder, named as the run: its parts and spooled results.
 * Nobody needs it once the run is over. */
#ifndef QN_COORDINATOR_SCRATCH_H
#define QN_COORDINATOR_SCRATCH_H

#include "base/arena.h"
#include "base/err.h"

/* Makes the folder, unless it is there, and the two inside; their paths live in the arena. */
QN_CHECK qn_code qn_scratch_make(const char *state_folder, const char *run_id,
                                 struct qn_arena *arena, char **spool, char **parts,
                                 struct qn_err *err);

/* What cannot be removed stays, for the next one to try. A link is never followed, so nothing
 * outside of the state folder goes. */
void qn_scratch_remove(const char *state_folder, const char *run_id);
/* The same beside what the caller does: gigabytes of parts take their time to go. Both texts are
 * borrowed until the end, which waits for it. NULL: it is done already. */
struct qn_removal;
struct qn_removal *qn_scratch_remove_begin(const char *state_folder, const char *run_id);
void qn_scratch_remove_end(struct qn_removal *removal);

/* Every run that has a folder, in no order; `each` may remove it. */
QN_CHECK qn_code qn_scratch_each(const char *state_folder,
                                 qn_code (*each)(void *context, const char *run_id,
                                                 struct qn_err *err),
                                 void *context, struct qn_err *err);

#endif
