/* top: what the root of a spec may hold. */
#ifndef QN_SPEC_TOP_H
#define QN_SPEC_TOP_H

#include "spec/keys.h"

/* `sources` and `jobs` are mappings of anything here: qn_source_keys and the kinds' own tables say
 * what stands in them. */
extern const struct qn_spec_keys qn_top_keys;

#endif
