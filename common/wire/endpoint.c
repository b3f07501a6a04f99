#include "wire/endpoint.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/strv.h"

#define TCP "tcp://"
#define IPC "ipc://"
#define DATA_SUFFIX ".data"

enum { SCHEME_BYTES = sizeof TCP - 1, MAX_PORT = 65535 };
_Static_assert(sizeof TCP == sizeof IPC, "one length for both schemes");

static bool has_scheme(const char *endpoint, const char *scheme)
{
    return strncmp(endpoint, scheme, SCHEME_BYTES) == 0;
}

/* HOST and PORT of a tcp endpoint; false when either is missing. */
static bool split_tcp(const char *endpoint, struct qn_strv *host, struct qn_strv *port)
{
    if (!has_scheme(endpoint, TCP))
        return false;
    const char *at = endpoint + SCHEME_BYTES;
    const char *colon = strrchr(at, ':');
    if (!colon || colon == at || !colon[1])
        return false;
    *host = (struct qn_strv){at, (size_t)(colon - at)};
    *port = qn_strv_from(colon + 1);
    /* The colons of an IPv6 address stand in brackets, or the last one would be a guess. */
    bool bracketed = at[0] == '[' && colon[-1] == ']';
    return bracketed || !memchr(at, ':', host->len);
}

static bool is_port(struct qn_strv port, bool listens)
{
    int64_t number;
    if (listens && qn_strv_is(port, "*"))
        return true;
    return port.data[0] >= '0' && port.data[0] <= '9' && qn_strv_to_i64(port, &number) &&
           number >= (listens ? 0 : 1) && number <= MAX_PORT;
}

static bool is_any_host(struct qn_strv host)
{
    return qn_strv_is(host, "*") || qn_strv_is(host, "0.0.0.0") || qn_strv_is(host, "[::]");
}

/* The data channel's name must fit the socket address too. */
static qn_code check_path(const char *path, struct qn_err *err)
{
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1 - strlen(DATA_SUFFIX);
    if (strlen(path) > most)
        return qn_err_set(
            err, QN_EINPUT, QN_BLAME_JOB,
            "ipc path of %zu bytes, a Unix socket takes at most %zu: choose a shorter "
            "folder, such as ipc:///tmp/quern.sock, or tcp://127.0.0.1:PORT",
            strlen(path), most);
    return QN_OK;
}

qn_code qn_endpoint_check(const char *endpoint, bool listens, struct qn_err *err)
{
    struct qn_strv host, port;
    if (strlen(endpoint) < QN_ENDPOINT_TEXT - strlen(DATA_SUFFIX)) {
        if (has_scheme(endpoint, IPC) && endpoint[SCHEME_BYTES])
            return check_path(endpoint + SCHEME_BYTES, err);
        if (split_tcp(endpoint, &host, &port) && is_port(port, listens) &&
            (listens || !is_any_host(host)))
            return QN_OK;
    }
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "expected tcp://HOST:PORT or ipc://PATH, got '%.128s'%s", endpoint,
                      listens ? " (a PORT of * takes any free one)" : "");
}

__attribute__((format(printf, 3, 4))) static qn_code
print_endpoint(char out[QN_ENDPOINT_TEXT], struct qn_err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(out, QN_ENDPOINT_TEXT, format, args);
    va_end(args);
    if (len < 0 || len >= QN_ENDPOINT_TEXT)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_WORKER, "endpoint longer than %d bytes",
                          QN_ENDPOINT_TEXT - 1);
    return QN_OK;
}

qn_code qn_endpoint_data(const char *control, char out[QN_ENDPOINT_TEXT], struct qn_err *err)
{
    struct qn_strv host, port;
    if (split_tcp(control, &host, &port))
        return print_endpoint(out, err, TCP "%.*s:*", QN_STRV_ARG(host));
    return print_endpoint(out, err, "%s" DATA_SUFFIX, control);
}

qn_code qn_endpoint_reach(const char *endpoint, const char *dialled, char out[QN_ENDPOINT_TEXT],
                          struct qn_err *err)
{
    struct qn_strv host, port, dialled_host, dialled_port;
    if (split_tcp(endpoint, &host, &port) && is_any_host(host) &&
        split_tcp(dialled, &dialled_host, &dialled_port))
        return print_endpoint(out, err, TCP "%.*s:%.*s", QN_STRV_ARG(dialled_host),
                              QN_STRV_ARG(port));
    return print_endpoint(out, err, "%s", endpoint);
}

bool qn_endpoint_is_ipv6(const char *endpoint)
{
    return has_scheme(endpoint, TCP) && endpoint[SCHEME_BYTES] == '[';
}
