/* jsonl_infer: which columns a sample of records has, and of what types. */
#ifndef QN_SOURCES_JSONL_INFER_H
#define QN_SOURCES_JSONL_INFER_H

#include "flow/source.h"
#include "sources/json_text.h"
#include "sources/jsonl_tree.h"
#include "sources/text_infer.h"

/* What was seen of one path. */
struct qn_jsonl_evidence {
    struct qn_text_evidence texts; /* of single values as they are written, quotes left out */
    bool strings, numbers, words, arrays;
    bool objects, empty_objects; /* with keys, without any */
};

struct qn_jsonl_sample {
    struct qn_jsonl_tree tree;
    struct qn_jsonl_evidence *evidence; /* by node id */
    uint32_t room;
    uint64_t records;
    const struct qn_source_options *options;
    const char *bytes;
    bool failed; /* memory ran out */
};

QN_CHECK qn_code qn_jsonl_sample_init(struct qn_jsonl_sample *sample,
                                      const struct qn_source_options *options,
                                      struct qn_arena *arena, struct qn_err *err);

/* The record bytes[at .. end), if it is well-formed; else why not. */
bool qn_jsonl_sample_add(struct qn_jsonl_sample *sample, const char *bytes, size_t at, size_t end,
                         struct qn_json_spot *spot);

/* Whether the path's values are one column, rather than objects whose keys are columns. */
bool qn_jsonl_sample_is_leaf(const struct qn_jsonl_sample *sample,
                             const struct qn_jsonl_node *node);

/* Of one column: see docs/formats/jsonl.md. */
struct qn_type qn_jsonl_sample_type(const struct qn_jsonl_sample *sample,
                                    const struct qn_jsonl_node *node);

#endif
