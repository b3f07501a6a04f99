#include "jobs/learn/boost_slab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARRAY_ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

static size_t up_to(size_t bytes, size_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

/* Kernels read a little behind the last row. */
static size_t room_for(const struct qn_boost_array *array)
{
    return array->bytes ? up_to(array->bytes + QN_BOOST_SLACK, ARRAY_ALIGNMENT) : 0;
}

static size_t measure(struct qn_boost_piece *pieces, uint32_t n, const struct qn_boost_frame *frame)
{
    size_t bytes = 1;
    for (uint32_t p = 0; p < n; p++) {
        struct qn_boost_array arrays[QN_BOOST_PIECE_ARRAYS];
        qn_boost_piece_arrays(&pieces[p], frame, arrays);
        for (int i = 0; i < QN_BOOST_PIECE_ARRAYS; i++)
            bytes += room_for(&arrays[i]);
    }
    return bytes;
}

static uint8_t *move_piece(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                           uint8_t *to)
{
    struct qn_boost_array arrays[QN_BOOST_PIECE_ARRAYS];
    qn_boost_piece_arrays(piece, frame, arrays);
    for (int i = 0; i < QN_BOOST_PIECE_ARRAYS; i++) {
        void **at = arrays[i].at;
        if (*at && arrays[i].bytes)
            memcpy(to, *at, arrays[i].bytes);
        if (!piece->settled)
            free(*at);
        *at = arrays[i].bytes ? to : NULL;
        to += room_for(&arrays[i]);
    }
    piece->settled = true;
    return to;
}

static void move_pieces(struct qn_boost_piece *pieces, uint32_t n,
                        const struct qn_boost_frame *frame, uint8_t *to)
{
    for (uint32_t p = 0; p < n; p++)
        to = move_piece(&pieces[p], frame, to);
}

/* A round reads all of it, and finds its way through few large pages sooner. */
static uint8_t *allocate(size_t bytes)
{
    if (bytes < HUGE_PAGE)
        return aligned_alloc(ARRAY_ALIGNMENT, up_to(bytes, ARRAY_ALIGNMENT));
    bytes = up_to(bytes, HUGE_PAGE);
    uint8_t *at = aligned_alloc(HUGE_PAGE, bytes);
    if (at)
        (void)madvise(at, bytes, MADV_HUGEPAGE);
    return at;
}

qn_code qn_boost_slab_fill(struct qn_boost_slab *slab, struct qn_boost_piece *pieces, uint32_t n,
                           const struct qn_boost_frame *frame, struct qn_err *err)
{
    slab->at = allocate(measure(pieces, n, frame));
    if (!slab->at)
        return qn_err_nomem(err, "rows to boost");
    move_pieces(pieces, n, frame, slab->at);
    return QN_OK;
}

qn_code qn_boost_slab_put_away(struct qn_boost_slab *slab, const char *folder,
                               struct qn_boost_piece *pieces, uint32_t n,
                               const struct qn_boost_frame *frame, struct qn_err *err)
{
    QN_TRY(qn_mapping_grow(&slab->file, folder, measure(pieces, n, frame), err));
    move_pieces(pieces, n, frame, slab->file.at);
    qn_mapping_rest(&slab->file);
    free(slab->at);
    slab->at = NULL;
    return QN_OK;
}

void qn_boost_slab_drop(struct qn_boost_slab *slab)
{
    free(slab->at);
    slab->at = NULL;
    qn_mapping_drop(&slab->file);
}
