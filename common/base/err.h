/* err: what went wrong, whose fault it was, and where.
 *
 * A fallible function returns enum qn_code (must be checked) and fills an optional
 * struct qn_err with words for people. The innermost message is never masked:
 * callers add context frames with qn_err_frame(). */
#ifndef QN_BASE_ERR_H
#define QN_BASE_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

enum qn_code_value {
    QN_OK = 0,
    QN_EINPUT,    /* a row, file or spec is not what it should be */
    QN_ELIMIT,    /* a cap of limits.h was exceeded */
    QN_ENOMEM,    /* no memory */
    QN_EIO,       /* disk or network said no */
    QN_EWIRE,     /* a peer sent what it must not */
    QN_ESTATE,    /* the call does not fit the state; state is unchanged */
    QN_ENOTSUP,   /* known, but not supported */
    QN_ENOTFOUND, /* no such thing */
    QN_EEXISTS,   /* already there (a second commit) */
    QN_ELOST,     /* a part that was kept is gone or damaged: the error's file says which */
    QN_ECANCEL,   /* asked to stop */
};

/* Must-check: ignoring a qn_code is a compile error under -Werror. */
typedef enum qn_code_value qn_code;
#define QN_CHECK __attribute__((warn_unused_result))

/* Whose fault: decides whether and where a task is tried again. */
enum qn_blame {
    QN_BLAME_NONE = 0,
    QN_BLAME_INPUT,       /* never retried: quarantined, or fails the run */
    QN_BLAME_JOB,         /* the spec asks for the impossible: fails the run */
    QN_BLAME_WORKER,      /* retried elsewhere */
    QN_BLAME_COORDINATOR, /* the run stops and can be resumed */
};

enum { QN_ERR_MESSAGE = 480, QN_ERR_FRAME = 200, QN_ERR_FRAMES = 4, QN_ERR_FILE = 240 };

struct qn_err {
    qn_code code;
    enum qn_blame blame;
    char file[QN_ERR_FILE]; /* empty: no location */
    uint64_t line, column;  /* 1-based; 0: unknown */
    char message[QN_ERR_MESSAGE];
    char frames[QN_ERR_FRAMES][QN_ERR_FRAME]; /* innermost first */
    unsigned n_frames;
};

/* Fills err (when not NULL) and returns code, so that a failure is one statement. */
qn_code qn_err_set(struct qn_err *err, qn_code code, enum qn_blame blame, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Like qn_err_set with QN_ENOMEM and what was being allocated. */
qn_code qn_err_nomem(struct qn_err *err, const char *what);

/* Like qn_err_set with QN_EIO, errno's text and the path or endpoint concerned. */
qn_code qn_err_io(struct qn_err *err, const char *verb, const char *path);

void qn_err_at(struct qn_err *err, const char *file, uint64_t line, uint64_t column);

/* Adds one line of context ("while parsing chunk 37 of source orders"). */
void qn_err_frame(struct qn_err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole error as people read it: "file:line:col: message\n  frame\n  frame". */
void qn_err_format(const struct qn_err *err, char *out, size_t out_bytes);

const char *qn_code_name(qn_code code);
const char *qn_blame_name(enum qn_blame blame);

/* Return early on failure; state and err are already set by the callee. */
#define QN_TRY(call)                                                                               \
    do {                                                                                           \
        qn_code qn_try_code = (call);                                                              \
        if (qn_try_code != QN_OK)                                                                  \
            return qn_try_code;                                                                    \
    } while (0)

#endif
