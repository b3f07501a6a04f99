/* tables: one file a table; a new one is a file, a line here and a line in synth.c. */
#ifndef QN_SYNTH_TABLES_H
#define QN_SYNTH_TABLES_H

#include "synth/synth.h"

extern const struct qn_synth qn_synth_churn;
extern const struct qn_synth qn_synth_events;
extern const struct qn_synth qn_synth_retail;

#endif
