#include "worker/blobs.h"

#include <stdlib.h>
#include <string.h>

/* A plan or a brief past this is no plan and no brief. */
static const uint64_t MAX_BLOB_BYTES = UINT64_C(1) << 30;

struct qn_blob *qn_blobs_find(struct qn_blobs *blobs, struct qn_strv hash)
{
    for (struct qn_blob *blob = blobs->first; blob; blob = blob->next)
        if (qn_strv_is(hash, blob->hash))
            return blob;
    return NULL;
}

struct qn_blob *qn_blobs_add(struct qn_blobs *blobs, struct qn_strv hash)
{
    if (hash.len != QN_SHA256_HEX - 1)
        return NULL;
    struct qn_blob *blob = calloc(1, sizeof *blob);
    if (!blob)
        return NULL;
    memcpy(blob->hash, hash.data, hash.len);
    blob->next = blobs->first;
    blobs->first = blob;
    return blob;
}

static qn_code check_whole(struct qn_blob *blob, struct qn_err *err)
{
    char hash[QN_SHA256_HEX];
    qn_sha256_of(qn_buf_strv(&blob->bytes), hash);
    if (strcmp(hash, blob->hash) != 0)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                          "a blob arrived as %s, asked for was %s", hash, blob->hash);
    blob->whole = true;
    return QN_OK;
}

static void forget(struct qn_blobs *blobs, struct qn_blob *blob)
{
    struct qn_blob **link = &blobs->first;
    while (*link != blob)
        link = &(*link)->next;
    *link = blob->next;
    qn_buf_fini(&blob->bytes);
    free(blob);
}

qn_code qn_blobs_take(struct qn_blobs *blobs, const struct qn_msg *msg, struct qn_blob **arrived,
                      struct qn_err *err)
{
    *arrived = NULL;
    struct qn_blob *blob = qn_blobs_find(blobs, msg->blob.hash);
    if (!blob)
        blob = qn_blobs_add(blobs, msg->blob.hash);
    if (!blob)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a blob without a hash");
    if (blob->whole)
        return QN_OK; /* small ones may be sent again */
    if (msg->blob.total == 0) {
        qn_err_set(err, QN_ENOTFOUND, QN_BLAME_COORDINATOR, "the coordinator has no blob %s",
                   blob->hash);
        forget(blobs, blob);
        return QN_ENOTFOUND;
    }
    if (msg->blob.total > MAX_BLOB_BYTES || (blob->total && blob->total != msg->blob.total) ||
        msg->blob.offset != blob->bytes.len ||
        msg->blob.bytes.len > msg->blob.total - msg->blob.offset)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a blob's pieces do not fit");
    blob->total = msg->blob.total;
    qn_buf_put(&blob->bytes, msg->blob.bytes.data, msg->blob.bytes.len);
    QN_TRY(qn_buf_check(&blob->bytes, "a blob", err));
    if (blob->bytes.len < blob->total)
        return QN_OK;
    QN_TRY(check_whole(blob, err));
    *arrived = blob;
    return QN_OK;
}

void qn_blobs_free(struct qn_blobs *blobs, void (*free_parsed)(void *parsed))
{
    struct qn_blob *blob = blobs->first;
    while (blob) {
        struct qn_blob *next = blob->next;
        if (blob->parsed)
            free_parsed(blob->parsed);
        qn_buf_fini(&blob->bytes);
        free(blob);
        blob = next;
    }
    blobs->first = NULL;
}
