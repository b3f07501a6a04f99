/* journal: what a coordinator must remember to go on after a crash and that is not in the
 * warehouse: which run was under way with which plan, attempts handed out, failures. A SQLite file
 * of its own in the state folder; "done" is never read from here
 * but from the ledger. */
#ifndef QN_COORDINATOR_JOURNAL_H
#define QN_COORDINATOR_JOURNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/message.h"

struct qn_journal;

/* Makes the folder. QN_ESTATE: another coordinator works with it (its pid is in the message); the
 * lock goes with the process that holds it. */
QN_CHECK qn_code qn_journal_open(const char *state_folder, struct qn_journal **out,
                                 struct qn_err *err);
void qn_journal_close(struct qn_journal *journal);
/* Opens the database, or makes it, while the caller does other things: whoever needs it first waits
 * for that. */
void qn_journal_open_beside(struct qn_journal *journal);
/* Of a run that nobody goes on with: from now on nothing waits for the disk. Before the database is
 * opened. */
void qn_journal_forgo_sync(struct qn_journal *journal);

/* Says where this coordinator listens, for qn_journal_find_endpoint(). */
QN_CHECK qn_code qn_journal_announce(struct qn_journal *journal, const char *endpoint,
                                     struct qn_err *err);
/* Where the coordinator that works with a state folder listens, from any process; QN_ENOTFOUND
 * when none does. It takes no lock, so it disturbs nobody; who dials finds out if it still holds.
 */
enum { QN_JOURNAL_ENDPOINT = 256 };
QN_CHECK qn_code qn_journal_find_endpoint(const char *state_folder,
                                          char endpoint[QN_JOURNAL_ENDPOINT], struct qn_err *err);

/* The unfinished run with this plan (SHA-256 of plan bytes) into `run_id` (room for 64);
 * QN_ENOTFOUND when there is none. */
QN_CHECK qn_code qn_journal_find_run(struct qn_journal *journal, const char *plan_sha256,
                                     char run_id[64], struct qn_err *err);
/* Whether a run was begun and has not ended; a name that is not known is none. *here: it is, and
 * was begun with that warehouse. */
QN_CHECK qn_code qn_journal_is_unfinished(struct qn_journal *journal, const char *run_id,
                                          const char *warehouse, bool *unfinished, bool *here,
                                          struct qn_err *err);
/* `warehouse`: its path, always spelt the same. */
QN_CHECK qn_code qn_journal_begin_run(struct qn_journal *journal, const char *run_id,
                                      const char *plan_sha256, const char *warehouse,
                                      struct qn_err *err);
QN_CHECK qn_code qn_journal_end_run(struct qn_journal *journal, const char *run_id,
                                    const char *status, struct qn_err *err);

/* Attempts about to be sent, in one transaction, before they are sent. */
QN_CHECK qn_code qn_journal_put_attempts(struct qn_journal *journal, const char *run_id,
                                         const struct qn_token *tokens, uint32_t n,
                                         struct qn_err *err);
/* Highest attempt handed out per unit of a stage, into attempts[n_units] (0: none). */
QN_CHECK qn_code qn_journal_get_attempts(struct qn_journal *journal, const char *run_id,
                                         uint32_t job, uint32_t stage, uint32_t round,
                                         uint32_t *attempts, uint32_t n_units, struct qn_err *err);

QN_CHECK qn_code qn_journal_put_failure(struct qn_journal *journal, const char *run_id,
                                        const struct qn_token *token, const char *message,
                                        struct qn_err *err);

#endif
