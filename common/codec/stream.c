#include "codec/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/stream_codec.h"

enum { IN_BYTES = 128 << 10, MAX_SKIPPED = 64 };

static const struct qn_stream_codec *const codecs[] = {
    &qn_stream_gzip, &qn_stream_zstd, &qn_stream_lz4, &qn_stream_bzip2, &qn_stream_xz, NULL};

struct qn_stream {
    struct qn_stream_file file;
    const struct qn_stream_codec *codec;
    void *state;
    unsigned char *in;
    size_t at, held;   /* of `in` */
    uint64_t next;     /* in the file, behind what `in` holds */
    uint64_t frame_at; /* where the frame under way begins */
    bool inside;       /* a frame is under way */
    uint64_t text;     /* bytes given out */
    bool expects;
    uint64_t expected_at, expected_text;
};

const char *qn_stream_codec_name(const struct qn_stream_codec *codec)
{
    return codec->name;
}

const char *qn_stream_codec_frame(const struct qn_stream_codec *codec)
{
    return codec->frame;
}

/* --- the file -------------------------------------------------------------------------------- */

qn_code qn_stream_pread(const struct qn_stream_file *file, uint64_t from, void *to, size_t n,
                        size_t *got, struct qn_err *err)
{
    uint64_t left = from < file->bytes ? file->bytes - from : 0;
    if (n > left)
        n = (size_t)left;
    for (*got = 0; *got < n;) {
        ssize_t more = pread(file->fd, (char *)to + *got, n - *got, (off_t)(from + *got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return qn_err_io(err, "read", file->path);
        if (more == 0) {
            qn_code code =
                qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                           "file changed: it had %llu bytes when it was opened, now it "
                           "ends at %llu",
                           (unsigned long long)file->bytes, (unsigned long long)from + *got);
            qn_err_at(err, file->path, 0, 0);
            return code;
        }
        *got += (size_t)more;
    }
    return QN_OK;
}

qn_code qn_stream_peek(struct qn_stream_peek *peek, uint64_t at, size_t n,
                       const unsigned char **bytes, size_t *got, struct qn_err *err)
{
    if (at < peek->from || at - peek->from > peek->held || n > peek->held - (at - peek->from)) {
        peek->held = 0;
        peek->from = at;
        QN_TRY(qn_stream_pread(peek->file, at, peek->bytes, sizeof peek->bytes, &peek->held, err));
    }
    size_t skip = (size_t)(at - peek->from);
    *bytes = peek->bytes + skip;
    *got = n < peek->held - skip ? n : peek->held - skip;
    return QN_OK;
}

static const struct qn_stream_codec *find_codec(const unsigned char *head, size_t len)
{
    for (size_t i = 0; codecs[i]; i++)
        if (codecs[i]->begins(head, len))
            return codecs[i];
    return NULL;
}

/* Frames to be passed over may stand before the first that tells zstd from lz4. */
qn_code qn_stream_detect(const struct qn_stream_file *file, const struct qn_stream_codec **codec,
                         struct qn_err *err)
{
    unsigned char head[QN_STREAM_HEAD];
    size_t got;
    uint64_t at = 0;
    *codec = NULL;
    for (unsigned i = 0; i < MAX_SKIPPED; i++) {
        QN_TRY(qn_stream_pread(file, at, head, sizeof head, &got, err));
        if (!qn_stream_is_skippable(head, got)) {
            *codec = find_codec(head, got);
            return QN_OK;
        }
        *codec = &qn_stream_zstd; /* should nothing follow */
        at += 8 + (uint64_t)qn_stream_u32(head + 4);
        if (at >= file->bytes)
            return QN_OK;
    }
    return QN_OK;
}

/* --- lifecycle ------------------------------------------------------------------------------- */

qn_code qn_stream_open(const struct qn_stream_file *file, const struct qn_stream_codec *codec,
                       uint64_t from, struct qn_stream **out, struct qn_err *err)
{
    struct qn_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return qn_err_nomem(err, "a decompressor");
    stream->file = *file;
    stream->codec = codec;
    stream->state = codec->open();
    stream->in = malloc(IN_BYTES);
    if (!stream->state || !stream->in) {
        qn_stream_close(stream);
        return qn_err_nomem(err, "a decompressor");
    }
    qn_stream_rewind(stream, from);
    *out = stream;
    return QN_OK;
}

void qn_stream_close(struct qn_stream *stream)
{
    if (!stream)
        return;
    if (stream->state)
        stream->codec->close(stream->state);
    free(stream->in);
    free(stream);
}

void qn_stream_rewind(struct qn_stream *stream, uint64_t from)
{
    stream->at = stream->held = 0;
    stream->next = stream->frame_at = from;
    stream->inside = stream->expects = false;
    stream->text = 0;
}

void qn_stream_expect(struct qn_stream *stream, uint64_t file_offset, uint64_t text)
{
    stream->expects = true;
    stream->expected_at = file_offset;
    stream->expected_text = text;
}

bool qn_stream_settled(const struct qn_stream *stream)
{
    return !stream->expects;
}

/* --- complaints ------------------------------------------------------------------------------ */

static uint64_t place(const struct qn_stream *stream)
{
    return stream->next - (stream->held - stream->at);
}

static qn_code complain(const struct qn_stream *stream, qn_code code, struct qn_err *err)
{
    qn_err_at(err, stream->file.path, 0, 0);
    return code;
}

static qn_code corrupt(const struct qn_stream *stream, const char *what, struct qn_err *err)
{
    return complain(stream,
                    qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                               "corrupt %s data before byte %llu: %s (the %s begins at byte %llu)",
                               stream->codec->name, (unsigned long long)place(stream), what,
                               stream->codec->frame, (unsigned long long)stream->frame_at),
                    err);
}

static qn_code truncated(const struct qn_stream *stream, struct qn_err *err)
{
    return complain(stream,
                    qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                               "the file ends at byte %llu within the %s %s that begins at byte "
                               "%llu: it was cut short",
                               (unsigned long long)place(stream), stream->codec->name,
                               stream->codec->frame, (unsigned long long)stream->frame_at),
                    err);
}

static qn_code foreign(const struct qn_stream *stream, struct qn_err *err)
{
    return complain(stream,
                    qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                               "expected another %s %s or the file's end at byte %llu, found %llu "
                               "bytes of something else",
                               stream->codec->name, stream->codec->frame,
                               (unsigned long long)place(stream),
                               (unsigned long long)(stream->file.bytes - place(stream))),
                    err);
}

static qn_code unexpected(const struct qn_stream *stream, struct qn_err *err)
{
    return complain(
        stream,
        qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                   "the file's own table of %ss is wrong: what stands before byte %llu has not "
                   "the %llu bytes of text it should have",
                   stream->codec->frame, (unsigned long long)stream->expected_at,
                   (unsigned long long)stream->expected_text),
        err);
}

/* --- reading --------------------------------------------------------------------------------- */

/* At least `want` bytes in `in`, unless the file ends before. */
static qn_code feed(struct qn_stream *stream, size_t want, struct qn_err *err)
{
    size_t left = stream->held - stream->at, got;
    if (left >= want)
        return QN_OK;
    if (left)
        memmove(stream->in, stream->in + stream->at, left);
    stream->at = 0;
    stream->held = left;
    QN_TRY(qn_stream_pread(&stream->file, stream->next, stream->in + left, IN_BYTES - left, &got,
                           err));
    stream->held += got;
    stream->next += got;
    return QN_OK;
}

/* Between frames: is the text as long so far as the file says? */
static qn_code check_expected(struct qn_stream *stream, struct qn_err *err)
{
    if (!stream->expects || place(stream) < stream->expected_at)
        return QN_OK;
    if (place(stream) > stream->expected_at || stream->text != stream->expected_text)
        return unexpected(stream, err);
    stream->expects = false;
    return QN_OK;
}

static qn_code begin_frame(struct qn_stream *stream, bool *ended, struct qn_err *err)
{
    QN_TRY(feed(stream, QN_STREAM_HEAD, err));
    QN_TRY(check_expected(stream, err));
    const unsigned char *head = stream->in + stream->at;
    size_t len = stream->held - stream->at;
    *ended = len == 0;
    if (*ended)
        return QN_OK;
    if (stream->codec->padded && head[0] == 0) {
        stream->at++;
        return QN_OK;
    }
    if (!stream->codec->begins(head, len))
        return foreign(stream, err);
    if (!stream->codec->reset(stream->state))
        return qn_err_nomem(err, "a decompressor");
    stream->frame_at = place(stream);
    stream->inside = true;
    return QN_OK;
}

/* Some of a frame to `to`; how much goes to *made. */
static qn_code step(struct qn_stream *stream, void *to, size_t n, size_t *made, struct qn_err *err)
{
    QN_TRY(feed(stream, 1, err));
    struct qn_stream_io io = {.in = stream->in + stream->at,
                              .in_len = stream->held - stream->at,
                              .out = to,
                              .out_len = n};
    size_t in_len = io.in_len;
    enum qn_stream_step step = stream->codec->step(stream->state, &io);
    *made = n - io.out_len;
    stream->at += in_len - io.in_len;
    stream->text += *made;
    stream->inside = step != QN_STREAM_FRAME_END;
    if (step == QN_STREAM_NOMEM)
        return qn_err_nomem(err, "a decompressor");
    if (step == QN_STREAM_BAD)
        return corrupt(stream, io.complaint, err);
    if (stream->expects && stream->text > stream->expected_text)
        return unexpected(stream, err);
    if (stream->inside && *made == 0 && io.in_len == in_len)
        return in_len == 0 ? truncated(stream, err) : corrupt(stream, "it leads nowhere", err);
    return QN_OK;
}

qn_code qn_stream_read(struct qn_stream *stream, void *to, size_t n, size_t *got,
                       struct qn_err *err)
{
    for (*got = 0; *got < n;) {
        bool ended = false;
        size_t made = 0;
        if (!stream->inside)
            QN_TRY(begin_frame(stream, &ended, err));
        if (ended)
            return QN_OK;
        if (stream->inside)
            QN_TRY(step(stream, (unsigned char *)to + *got, n - *got, &made, err));
        *got += made;
    }
    return QN_OK;
}

/* --- frames ---------------------------------------------------------------------------------- */

qn_code qn_frames_add(struct qn_frames *frames, uint64_t file_offset, uint64_t text_bytes,
                      struct qn_err *err)
{
    uint64_t at = frames->text_bytes;
    if (text_bytes > UINT64_MAX / 2 - at)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "the frame at byte %llu says it holds %llu bytes",
                          (unsigned long long)file_offset, (unsigned long long)text_bytes);
    frames->text_bytes += text_bytes;
    if (frames->n && at - frames->list[frames->n - 1].text_offset < frames->step)
        return QN_OK;
    if (frames->n == frames->capacity) {
        size_t capacity = frames->capacity ? 2 * frames->capacity : 64;
        struct qn_frame *grown = realloc(frames->list, capacity * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "frames of a compressed file");
        frames->list = grown;
        frames->capacity = capacity;
    }
    frames->list[frames->n++] = (struct qn_frame){file_offset, at};
    return QN_OK;
}

void qn_frames_clear(struct qn_frames *frames)
{
    frames->n = 0;
    frames->text_bytes = 0;
}

void qn_frames_fini(struct qn_frames *frames)
{
    free(frames->list);
    *frames = (struct qn_frames){0};
}

qn_code qn_frames_find(struct qn_frames *frames, const struct qn_stream_file *file,
                       const struct qn_stream_codec *codec, struct qn_err *err)
{
    qn_frames_clear(frames);
    if (!codec->frames)
        return QN_OK;
    qn_code code = codec->frames(file, frames, err);
    if (code == QN_EINPUT)
        qn_err_at(err, file->path, 0, 0);
    return code;
}
