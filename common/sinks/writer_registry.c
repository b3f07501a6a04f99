#include <string.h>

#include "flow/suffix.h"
#include "flow/writer.h"

#define QN_WRITER(symbol) extern const struct qn_writer_ops symbol;
#include "sinks/writers.def"
#undef QN_WRITER

#define QN_WRITER(symbol) &symbol,
static const struct qn_writer_ops *const all[] = {
#include "sinks/writers.def"
    NULL};
#undef QN_WRITER

const struct qn_writer_ops *const *qn_writer_all(void)
{
    return all;
}

const struct qn_writer_ops *qn_writer_find(const char *format)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->format, format) == 0)
            return all[i];
    return NULL;
}

const struct qn_writer_ops *qn_writer_by_suffix(const char *path)
{
    for (size_t i = 0; all[i]; i++)
        for (size_t s = 0; all[i]->suffixes[s]; s++)
            if (qn_suffix_ends(path, all[i]->suffixes[s]))
                return all[i];
    return NULL;
}
