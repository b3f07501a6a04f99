#include "sources/text_inflow.h"

#include <stdlib.h>
#include <string.h>

enum { STEP_BYTES = 64 << 10 };

static void expect(const struct qn_text_inflow *inflow)
{
    if (inflow->text_to != UINT64_MAX)
        qn_stream_expect(inflow->stream, inflow->file_to, inflow->text_to - inflow->text_from);
}

qn_code qn_text_inflow_open(struct qn_text_inflow *inflow, const struct qn_stream_file *file,
                            const struct qn_stream_codec *codec, const struct qn_chunk *chunk,
                            size_t behind, struct qn_err *err)
{
    *inflow = (struct qn_text_inflow){.behind = behind, .text_to = UINT64_MAX};
    if (chunk && chunk->end != UINT64_MAX) {
        /* What follows a chunk begins so far before its end, unless it is the file's. */
        bool last = chunk->file_end == file->bytes;
        inflow->file_to = chunk->file_end;
        inflow->text_to = chunk->end - (last ? 0 : QN_TEXT_LOOKBACK);
    }
    if (chunk && chunk->begin > 0) {
        inflow->file_from = chunk->file_begin;
        inflow->text_from = chunk->begin - QN_TEXT_LOOKBACK;
    }
    inflow->offset = inflow->text_from;
    QN_TRY(qn_stream_open(file, codec, inflow->file_from, &inflow->stream, err));
    expect(inflow);
    return QN_OK;
}

void qn_text_inflow_close(struct qn_text_inflow *inflow)
{
    qn_stream_close(inflow->stream);
    free(inflow->kept);
    *inflow = (struct qn_text_inflow){0};
}

static qn_code begin_anew(struct qn_text_inflow *inflow, uint64_t from, struct qn_err *err)
{
    if (from < inflow->text_from)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER,
                          "byte %llu stands before the chunk that begins at %llu",
                          (unsigned long long)from, (unsigned long long)inflow->text_from);
    qn_stream_rewind(inflow->stream, inflow->file_from);
    expect(inflow);
    inflow->offset = inflow->text_from;
    inflow->len = 0;
    inflow->ended = false;
    return QN_OK;
}

/* Room for a step behind what is kept, of which the oldest goes. */
static qn_code make_room(struct qn_text_inflow *inflow, struct qn_err *err)
{
    if (!inflow->kept) {
        inflow->capacity = 2 * inflow->behind + STEP_BYTES;
        inflow->kept = malloc(inflow->capacity);
        if (!inflow->kept)
            return qn_err_nomem(err, "decompressed text");
    }
    if (inflow->capacity - inflow->len >= STEP_BYTES)
        return QN_OK;
    size_t drop = inflow->len - inflow->behind;
    memmove(inflow->kept, inflow->kept + drop, inflow->behind);
    inflow->len = inflow->behind;
    inflow->offset += drop;
    return QN_OK;
}

static qn_code flow_on(struct qn_text_inflow *inflow, struct qn_err *err)
{
    size_t got;
    QN_TRY(make_room(inflow, err));
    QN_TRY(qn_stream_read(inflow->stream, inflow->kept + inflow->len, STEP_BYTES, &got, err));
    inflow->len += got;
    inflow->ended = got < STEP_BYTES;
    return QN_OK;
}

qn_code qn_text_inflow_read(struct qn_text_inflow *inflow, uint64_t from, char *to, size_t n,
                            size_t *got, struct qn_err *err)
{
    *got = 0;
    if (from < inflow->offset)
        QN_TRY(begin_anew(inflow, from, err));
    for (;;) {
        uint64_t at = from + *got, end = inflow->offset + inflow->len;
        if (at < end) {
            size_t more = (size_t)(end - at) < n - *got ? (size_t)(end - at) : n - *got;
            memcpy(to + *got, inflow->kept + (at - inflow->offset), more);
            *got += more;
        }
        if (*got == n || inflow->ended)
            return QN_OK;
        QN_TRY(flow_on(inflow, err));
    }
}

qn_code qn_text_inflow_settle(struct qn_text_inflow *inflow, struct qn_err *err)
{
    while (!qn_stream_settled(inflow->stream) && !inflow->ended)
        QN_TRY(flow_on(inflow, err));
    return QN_OK;
}
