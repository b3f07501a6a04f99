/* source: the `sources` of a spec. */
#ifndef QN_SPEC_SOURCE_H
#define QN_SPEC_SOURCE_H

#include "spec/keys.h"
#include "spec/spec.h"

/* What a source may hold. `format` is an ENUM without values: the registry's. */
extern const struct qn_spec_keys qn_source_keys;

/* Checks and reads one source; complaints go to spec->diags. */
void qn_spec_source_read(struct qn_spec *spec, const struct qn_pair *pair,
                         struct qn_spec_source *out);

#endif
