#include <string.h>

#include "flow/source.h"
#include "flow/suffix.h"

#define QN_SOURCE(symbol) extern const struct qn_source_ops symbol;
#include "sources/sources.def"
#undef QN_SOURCE

#define QN_SOURCE(symbol) &symbol,
static const struct qn_source_ops *const all[] = {
#include "sources/sources.def"
    NULL};
#undef QN_SOURCE

const struct qn_source_ops *const *qn_source_all(void)
{
    return all;
}

const struct qn_source_ops *qn_source_find(const char *format)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->format, format) == 0)
            return all[i];
    return NULL;
}

const struct qn_source_ops *qn_source_by_suffix(const char *path)
{
    for (size_t i = 0; all[i]; i++)
        if (qn_suffix_is(path, all[i]->suffixes))
            return all[i];
    return NULL;
}
