/* team: threads that do something together, turn after turn: in each all of them call a function,
 * and the turn is over when the last one is through. Turns come microseconds apart, so whoever
 * waits looks for a while before it sleeps. */
#ifndef QN_WORKER_TEAM_H
#define QN_WORKER_TEAM_H

#include <stdint.h>

#include "base/err.h"

struct qn_team;

/* Starts threads for members 1..n_members - 1; member 0 is the thread that calls all of these. */
QN_CHECK qn_code qn_team_new(uint32_t n_members, struct qn_team **out, struct qn_err *err);
/* Every member calls fn(context, member). What happens before the turn is seen by all, and what
 * they do by whoever comes back from here. */
void qn_team_turn(struct qn_team *team, void (*fn)(void *context, uint32_t member), void *context);
/* Ends the threads; returns the processor time that they took, in microseconds. NULL: none did. */
uint64_t qn_team_free(struct qn_team *team);

#endif
