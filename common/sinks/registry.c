#include <string.h>

#include "flow/sink.h"

#define QN_SINK(symbol) extern const struct qn_sink_ops symbol;
#include "sinks/sinks.def"
#undef QN_SINK

#define QN_SINK(symbol) &symbol,
static const struct qn_sink_ops *const all[] = {
#include "sinks/sinks.def"
    NULL};
#undef QN_SINK

const struct qn_sink_ops *const *qn_sink_all(void)
{
    return all;
}

const struct qn_sink_ops *qn_sink_find(const char *name)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}
