/* stream: a compressed file read through, as the bytes it was made from.
 *
 * Formats are told by their first bytes, never by a name. A file is one frame after another (gzip
 * calls them members, xz and bzip2 streams); reading may begin at any of them. Memory does not
 * depend on how much a file unfolds to: what one needs to read is capped, and output comes in
 * pieces of the caller's size.
 *
 * One thread at a time uses a stream. Errors are QN_EINPUT with blame input and name the file and
 * the byte in it; QN_EIO where the disk is to blame. */
#ifndef QN_CODEC_STREAM_H
#define QN_CODEC_STREAM_H

#include "base/err.h"

struct qn_stream;
struct qn_stream_codec; /* one of the formats: a const of its file stream_<name>.c */

/* An open file and its size. All are borrowed. */
struct qn_stream_file {
    int fd;
    const char *path; /* for complaints */
    uint64_t bytes;
};

/* *codec NULL: not compressed, as far as it can be told. */
QN_CHECK qn_code qn_stream_detect(const struct qn_stream_file *file,
                                  const struct qn_stream_codec **codec, struct qn_err *err);

const char *qn_stream_codec_name(const struct qn_stream_codec *codec);  /* "gzip" */
const char *qn_stream_codec_frame(const struct qn_stream_codec *codec); /* "member" */

/* `from`: where in the file a frame begins. */
QN_CHECK qn_code qn_stream_open(const struct qn_stream_file *file,
                                const struct qn_stream_codec *codec, uint64_t from,
                                struct qn_stream **out, struct qn_err *err);
void qn_stream_close(struct qn_stream *stream);

/* n bytes, or fewer (*got) at the end, which is the file's: anything else there is an error. */
QN_CHECK qn_code qn_stream_read(struct qn_stream *stream, void *to, size_t n, size_t *got,
                                struct qn_err *err);

/* Begins anew at another frame. What was expected is forgotten. */
void qn_stream_rewind(struct qn_stream *stream, uint64_t from);

/* The file says elsewhere that the frame at `file_offset` (or the file's end) begins behind `text`
 * bytes from where this stream was opened. Reading past there finds out and complains if not. */
void qn_stream_expect(struct qn_stream *stream, uint64_t file_offset, uint64_t text);

/* Whether that was found to be so; true when nothing was expected. */
bool qn_stream_settled(const struct qn_stream *stream);

/* --- where a file can be cut ----------------------------------------------------------------- */

struct qn_frame {
    uint64_t file_offset; /* where it begins in the file, */
    uint64_t text_offset; /* and in the decompressed text, by what the file says */
};

/* Frames to begin reading at: the first, and each that begins `step` or more bytes of text behind
 * the last one taken. n is 0 for files that do not say how long their frames are. */
struct qn_frames {
    uint64_t step;
    struct qn_frame *list;
    size_t n, capacity;
    uint64_t text_bytes; /* of all the file */
};

/* Without decompressing. Zero-initialise but for the step; qn_frames_fini in any case. */
QN_CHECK qn_code qn_frames_find(struct qn_frames *frames, const struct qn_stream_file *file,
                                const struct qn_stream_codec *codec, struct qn_err *err);
void qn_frames_fini(struct qn_frames *frames);

#endif
