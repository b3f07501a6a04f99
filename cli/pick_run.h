/* pick_run: which run, of which warehouse, a command is asked about. */
#ifndef QN_CLI_PICK_RUN_H
#define QN_CLI_PICK_RUN_H

#include "cli/cli.h"
#include "coordinator/store.h"

enum { QN_RUN_ID = 64 };

/* The run that is named, or the last one (NULL), into run_id. QN_ENOTFOUND says which is last. */
QN_CHECK qn_code qn_pick_run(struct qn_store *store, const char *warehouse, const char *named,
                             char run_id[QN_RUN_ID], struct qn_err *err);

/* A spec that is only asked where things are; QN_EINPUT when it cannot be read or has mistakes.
 * Finish it also on failure. */
QN_CHECK qn_code qn_pick_spec(struct qn_spec *spec, const char *path,
                              const struct qn_cli_common *common, struct qn_err *err);

#endif
