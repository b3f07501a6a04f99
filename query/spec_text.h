/* spec_text: a spec as it grows while a query is planned, and its text. People copy it into a file
 * of their own, so it is as short as it can be. */
#ifndef QN_QUERY_SPEC_TEXT_H
#define QN_QUERY_SPEC_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

/* A name and what it stands for: an option, a derived column, an aggregate. */
struct qn_query_pair {
    const char *name, *text;
};
struct qn_query_pairs {
    struct qn_query_pair *items;
    uint32_t n;
};
struct qn_query_names {
    const char **items;
    uint32_t n;
};

struct qn_query_source {
    const char *name;
    const char *path; /* NULL: the options say what is read */
    struct qn_query_pairs options;
    struct qn_query_pairs columns; /* declared ones: their types */
};

struct qn_query_join {
    const char *to;
    struct qn_query_pairs on; /* left: right */
    const char *how;
};

/* Only the first rows of an order are wanted. */
struct qn_query_top {
    uint64_t n_rows; /* 0: all */
    const char **columns;
    const bool *descending, *nulls_first; /* by column */
    uint32_t n_columns;
};

struct qn_query_job {
    const char *name, *from;
    const char *filter; /* NULL: none */
    struct qn_query_pairs derive;
    struct qn_query_join *joins;
    uint32_t n_joins;
    struct qn_query_names group_by;
    struct qn_query_pairs aggregate;
    struct qn_query_names select; /* none: all columns */
    struct qn_query_top top;
};

struct qn_query_spec {
    const char *lake; /* NULL: left out */
    struct qn_query_source **sources;
    uint32_t n_sources;
    struct qn_query_job **jobs;
    uint32_t n_jobs;
};

/* Growing; false: no memory. Texts are borrowed. */
bool qn_query_pairs_add(struct qn_arena *arena, struct qn_query_pairs *pairs, const char *name,
                        const char *text);
bool qn_query_names_add(struct qn_arena *arena, struct qn_query_names *names, const char *name);

void qn_query_spec_write(const struct qn_query_spec *spec, struct qn_buf *out);

#endif
