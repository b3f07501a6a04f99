/* suffix: what a file's name says of its format: "x.csv", and "X.CSV.gz" as well. */
#ifndef QN_FLOW_SUFFIX_H
#define QN_FLOW_SUFFIX_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the path ends in the suffix, in letters of any case. A suffix alone is no name. */
bool qn_suffix_ends(const char *path, const char *suffix);

/* Length of the path without the suffix of a compression that is read through. */
size_t qn_suffix_stem(const char *path);

/* Whether something ends in one of the NULL-terminated suffixes, or did before it was
 * compressed. A suffix alone is no name. */
bool qn_suffix_is(const char *path, const char *const *suffixes);

#endif
