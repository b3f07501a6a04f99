#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

qn_code qn_err_set(struct qn_err *err, qn_code code, enum qn_blame blame, const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    err->blame = blame;
    err->file[0] = '\0';
    err->line = err->column = 0;
    err->n_frames = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

qn_code qn_err_nomem(struct qn_err *err, const char *what)
{
    return qn_err_set(err, QN_ENOMEM, QN_BLAME_WORKER, "out of memory for %s", what);
}

qn_code qn_err_io(struct qn_err *err, const char *verb, const char *path)
{
    int saved = errno;
    return qn_err_set(err, QN_EIO, QN_BLAME_WORKER, "cannot %s %s: %s", verb, path,
                      strerror(saved));
}

void qn_err_at(struct qn_err *err, const char *file, uint64_t line, uint64_t column)
{
    if (!err)
        return;
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
}

void qn_err_frame(struct qn_err *err, const char *format, ...)
{
    if (!err || err->n_frames == QN_ERR_FRAMES)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(err->frames[err->n_frames++], QN_ERR_FRAME, format, args);
    va_end(args);
}

void qn_err_format(const struct qn_err *err, char *out, size_t out_bytes)
{
    size_t used = 0;
    if (err->file[0] && err->line && err->column)
        used = (size_t)snprintf(out, out_bytes, "%s:%llu:%llu: ", err->file,
                                (unsigned long long)err->line, (unsigned long long)err->column);
    else if (err->file[0] && err->line)
        used =
            (size_t)snprintf(out, out_bytes, "%s:%llu: ", err->file, (unsigned long long)err->line);
    else if (err->file[0])
        used = (size_t)snprintf(out, out_bytes, "%s: ", err->file);
    if (used < out_bytes)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s", err->message);
    for (unsigned i = 0; i < err->n_frames && used < out_bytes; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "\n  %s", err->frames[i]);
}

const char *qn_code_name(qn_code code)
{
    switch (code) {
    case QN_OK: return "ok";
    case QN_EINPUT: return "input";
    case QN_ELIMIT: return "limit";
    case QN_ENOMEM: return "memory";
    case QN_EIO: return "io";
    case QN_EWIRE: return "wire";
    case QN_ESTATE: return "state";
    case QN_ENOTSUP: return "unsupported";
    case QN_ENOTFOUND: return "not found";
    case QN_EEXISTS: return "exists";
    case QN_ELOST: return "lost";
    case QN_ECANCEL: return "cancelled";
    }
    return "unknown";
}

const char *qn_blame_name(enum qn_blame blame)
{
    switch (blame) {
    case QN_BLAME_NONE: return "none";
    case QN_BLAME_INPUT: return "input";
    case QN_BLAME_JOB: return "job";
    case QN_BLAME_WORKER: return "worker";
    case QN_BLAME_COORDINATOR: return "coordinator";
    }
    return "unknown";
}
