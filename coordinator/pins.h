/* pins: which snapshots a run reads of datasets whose newest it asked for. A run that goes on reads
 * the same ones: what it has written to them itself would make another run of it, one that writes
 * everything again. A file in the run's folder, for as long as the run is unfinished. */
#ifndef QN_COORDINATOR_PINS_H
#define QN_COORDINATOR_PINS_H

#include "base/hash.h"
#include "jobs/plan.h"

struct qn_pins {
    char key[QN_SHA256_HEX]; /* of the plan that they belong to: qn_fingerprint_plan() */
    struct qn_pin *pins;
    uint32_t n;
};

/* Before anything of the run is published. Nothing is written where no source needs it. */
QN_CHECK qn_code qn_pins_keep(const char *state_folder, const char *run_id, const char *key,
                              const struct qn_plan *plan, struct qn_err *err);
/* Before the run's end is recorded: it is not gone on with. */
void qn_pins_drop(const char *state_folder, const char *run_id);

/* Those of the newest run of a spec that has some, in the arena; false: there is none. */
bool qn_pins_find(const char *state_folder, const char *spec_sha256, struct qn_arena *arena,
                  struct qn_pins *out);

#endif
