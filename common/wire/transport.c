#include "wire/transport.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <zmq.h>

#include "base/limits.h"
#include "base/log.h"
#include "wire/endpoint.h"

enum {
    N_CHANNELS = 2,
    FRAME_SLACK_BYTES = 1024, /* a frame a little too long is answered, not cut off */
    /* Messages queued for one peer before it counts as lost. Byte credits keep queues far shorter;
     * what a listener takes in ahead of being read is kept small, for it comes from anybody. */
    SEND_QUEUE = 16384,
    LISTENER_RECEIVE_QUEUE = 256,
    DIALER_RECEIVE_QUEUE = 16384,
    BACKLOG = 4096, /* a coordinator that starts again is dialled by all workers at once */
    HANDSHAKE_MS = 5000,
    CONNECT_MS = 5000,
    RECONNECT_MS = 20, /* a worker may be up before its coordinator */
    RECONNECT_MAX_MS = 1000,
    MAX_STRAY_MESSAGES = 64, /* malformed ones dropped per receive, so that it returns */
    MAX_FILES = 65536,
};

/* ---- one context a process ---- */

static pthread_mutex_t context_lock = PTHREAD_MUTEX_INITIALIZER;
static void *context;
static unsigned context_users;

static void *context_acquire(void)
{
    pthread_mutex_lock(&context_lock);
    if (!context)
        context = zmq_ctx_new();
    if (context)
        context_users++;
    void *acquired = context;
    pthread_mutex_unlock(&context_lock);
    return acquired;
}

/* The last one out waits until lingering frames are gone. */
static void context_release(void)
{
    pthread_mutex_lock(&context_lock);
    assert(context_users > 0);
    if (--context_users == 0) {
        while (zmq_ctx_term(context) != 0 && errno == EINTR) {
        }
        context = NULL;
    }
    pthread_mutex_unlock(&context_lock);
}

/* ---- what listener and dialer share ---- */

struct link {
    void *context;
    void *sockets[N_CHANNELS]; /* NULL: not open */
    char endpoints[N_CHANNELS][QN_ENDPOINT_TEXT];
    zmq_msg_t frame; /* the last one received */
};

static qn_code zmq_failed(struct qn_err *err, const char *verb, const char *endpoint)
{
    return qn_err_set(err, QN_EIO, QN_BLAME_WORKER, "cannot %s %s: %s", verb, endpoint,
                      zmq_strerror(zmq_errno()));
}

static qn_code link_init(struct link *link, struct qn_err *err)
{
    *link = (struct link){.context = context_acquire()};
    zmq_msg_init(&link->frame);
    return link->context ? QN_OK : qn_err_nomem(err, "the ZeroMQ context");
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static qn_code link_socket(struct link *link, enum qn_channel channel, int type,
                           const char *endpoint, struct qn_err *err)
{
    void *socket = zmq_socket(link->context, type);
    if (!socket)
        return zmq_failed(err, "make a socket for", endpoint);
    link->sockets[channel] = socket;
    int64_t max_bytes = QN_MAX_FRAME_BYTES + FRAME_SLACK_BYTES;
    bool set = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) == 0 &&
               set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
               set_int(socket, ZMQ_SNDHWM, SEND_QUEUE) && set_int(socket, ZMQ_LINGER, 0) &&
               set_int(socket, ZMQ_IPV6, qn_endpoint_is_ipv6(endpoint));
    return set ? QN_OK : zmq_failed(err, "set up a socket for", endpoint);
}

static void link_fini(struct link *link, int linger_ms)
{
    for (int i = 0; i < N_CHANNELS; i++) {
        if (!link->sockets[i])
            continue;
        set_int(link->sockets[i], ZMQ_LINGER, linger_ms < 0 ? 0 : linger_ms);
        zmq_close(link->sockets[i]);
    }
    zmq_msg_close(&link->frame);
    if (link->context)
        context_release();
}

/* True when a frame waits on either channel. `extra`: sockets whose events only end the wait. */
static bool link_wait(const struct link *link, void *extra[N_CHANNELS], int timeout_ms, int wake_fd)
{
    zmq_pollitem_t items[2 * N_CHANNELS + 1];
    int n = 0;
    for (int i = 0; i < N_CHANNELS; i++)
        if (link->sockets[i])
            items[n++] = (zmq_pollitem_t){.socket = link->sockets[i], .events = ZMQ_POLLIN};
    int n_channels = n;
    for (int i = 0; i < N_CHANNELS && extra; i++)
        if (extra[i])
            items[n++] = (zmq_pollitem_t){.socket = extra[i], .events = ZMQ_POLLIN};
    if (wake_fd >= 0)
        items[n++] = (zmq_pollitem_t){.fd = wake_fd, .events = ZMQ_POLLIN};
    if (zmq_poll(items, n, timeout_ms) <= 0)
        return false;
    for (int i = 0; i < n_channels; i++)
        if (items[i].revents & ZMQ_POLLIN)
            return true;
    return false;
}

/* The next part of a message into link->frame; false when there is none now. */
static bool receive_part(struct link *link, void *socket, bool *more)
{
    int received;
    do
        received = zmq_msg_recv(&link->frame, socket, ZMQ_DONTWAIT);
    while (received < 0 && zmq_errno() == EINTR);
    *more = received >= 0 && zmq_msg_more(&link->frame);
    return received >= 0;
}

/* The rest of a message that has more parts than it should. */
static void drop_rest(struct link *link, void *socket)
{
    for (bool more = true; more && receive_part(link, socket, &more);) {
    }
}

static struct qn_strv frame_bytes(struct link *link)
{
    return (struct qn_strv){zmq_msg_data(&link->frame), zmq_msg_size(&link->frame)};
}

static bool try_send(void *socket, struct qn_strv bytes, int flags)
{
    int sent;
    do
        sent = zmq_send(socket, bytes.data, bytes.len, flags | ZMQ_DONTWAIT);
    while (sent < 0 && zmq_errno() == EINTR);
    return sent >= 0;
}

static qn_code send_part(void *socket, struct qn_strv bytes, int flags, struct qn_err *err)
{
    if (try_send(socket, bytes, flags))
        return QN_OK;
    /* zmq_send looks only now and then whether the I/O thread made room or a connection; asking
     * for ZMQ_EVENTS makes it look now. */
    int events;
    size_t size = sizeof events;
    if (zmq_errno() == EAGAIN && zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 &&
        try_send(socket, bytes, flags))
        return QN_OK;
    if (zmq_errno() == EHOSTUNREACH)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "the peer is gone");
    if (zmq_errno() == EAGAIN)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER,
                          "the peer is gone or does not take its frames");
    return zmq_failed(err, "send", "a frame");
}

/* ---- listener ---- */

struct qn_listener {
    struct link link;
};

/* libzmq aborts when it runs out of descriptors, and every worker takes two. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < MAX_FILES ? limit.rlim_max : MAX_FILES;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        qn_log_debug("cannot raise the limit of open files to %llu", (unsigned long long)wanted);
}

static qn_code bind_channel(struct link *link, enum qn_channel channel, const char *endpoint,
                            struct qn_err *err)
{
    QN_TRY(link_socket(link, channel, ZMQ_ROUTER, endpoint, err));
    void *socket = link->sockets[channel];
    bool set = set_int(socket, ZMQ_ROUTER_MANDATORY, 1) &&
               set_int(socket, ZMQ_RCVHWM, LISTENER_RECEIVE_QUEUE) &&
               set_int(socket, ZMQ_BACKLOG, BACKLOG);
    if (!set || zmq_bind(socket, endpoint) != 0)
        return zmq_failed(err, "listen on", endpoint);
    size_t len = sizeof link->endpoints[channel];
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, link->endpoints[channel], &len) != 0)
        return zmq_failed(err, "learn the endpoint of", endpoint);
    return QN_OK;
}

static qn_code listener_bind(struct qn_listener *listener, const char *endpoint, struct qn_err *err)
{
    char data[QN_ENDPOINT_TEXT];
    QN_TRY(link_init(&listener->link, err));
    QN_TRY(bind_channel(&listener->link, QN_CONTROL, endpoint, err));
    QN_TRY(qn_endpoint_data(listener->link.endpoints[QN_CONTROL], data, err));
    return bind_channel(&listener->link, QN_DATA, data, err);
}

qn_code qn_listener_open(const char *endpoint, struct qn_listener **out, struct qn_err *err)
{
    *out = NULL;
    QN_TRY(qn_endpoint_check(endpoint, true, err));
    raise_file_limit();
    struct qn_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return qn_err_nomem(err, "a listener");
    qn_code code = listener_bind(listener, endpoint, err);
    if (code != QN_OK)
        qn_listener_close(listener, 0);
    else
        *out = listener;
    return code;
}

const char *qn_listener_endpoint(const struct qn_listener *listener, enum qn_channel channel)
{
    return listener->link.endpoints[channel];
}

bool qn_listener_wait(struct qn_listener *listener, int timeout_ms, int wake_fd)
{
    return link_wait(&listener->link, NULL, timeout_ms, wake_fd);
}

/* The routing id that leads a message. Only ids that ZeroMQ made itself are taken (five bytes,
 * the first 0): a peer must not choose its own name. */
static bool take_peer(struct link *link, struct qn_peer *peer)
{
    struct qn_strv id = frame_bytes(link);
    if (id.len != 5 || id.data[0] != 0)
        return false;
    memcpy(peer->id, id.data, id.len);
    peer->len = (uint8_t)id.len;
    return true;
}

/* A message is a routing id and one body; anything else is dropped. */
static bool receive_from_peer(struct link *link, enum qn_channel channel, struct qn_frame *frame)
{
    void *socket = link->sockets[channel];
    bool more;
    for (int i = 0; i < MAX_STRAY_MESSAGES && receive_part(link, socket, &more); i++) {
        bool known = take_peer(link, &frame->peer);
        if (!more || !receive_part(link, socket, &more))
            continue;
        if (more)
            drop_rest(link, socket);
        else if (known) {
            frame->channel = channel;
            frame->bytes = frame_bytes(link);
            return true;
        }
    }
    return false;
}

qn_code qn_listener_receive(struct qn_listener *listener, struct qn_frame *frame,
                            struct qn_err *err)
{
    if (receive_from_peer(&listener->link, QN_CONTROL, frame) ||
        receive_from_peer(&listener->link, QN_DATA, frame))
        return QN_OK;
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "no frame is waiting");
}

qn_code qn_listener_send(struct qn_listener *listener, enum qn_channel channel,
                         const struct qn_peer *peer, struct qn_strv bytes, struct qn_err *err)
{
    void *socket = listener->link.sockets[channel];
    QN_TRY(
        send_part(socket, (struct qn_strv){(const char *)peer->id, peer->len}, ZMQ_SNDMORE, err));
    return send_part(socket, bytes, 0, err);
}

void qn_listener_close(struct qn_listener *listener, int linger_ms)
{
    if (!listener)
        return;
    link_fini(&listener->link, linger_ms);
    free(listener);
}

/* ---- dialer ---- */

struct qn_dialer {
    struct link link;
    void *monitors[N_CHANNELS]; /* tell of connections made and lost */
    enum qn_dialer_state states[N_CHANNELS];
};

/* Spread, so that a thousand workers do not come back in the same instant. */
static int jittered(int ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        return ms;
    return ms + (int)(random % (uint32_t)ms);
}

static qn_code watch_channel(struct qn_dialer *dialer, enum qn_channel channel, struct qn_err *err)
{
    struct link *link = &dialer->link;
    char name[64];
    snprintf(name, sizeof name, "inproc://quern-%p-%d", (void *)dialer, (int)channel);
    void *monitor = zmq_socket(link->context, ZMQ_PAIR);
    if (!monitor)
        return zmq_failed(err, "make a socket for", name);
    dialer->monitors[channel] = monitor;
    if (zmq_socket_monitor(link->sockets[channel], name,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0 ||
        !set_int(monitor, ZMQ_LINGER, 0) || zmq_connect(monitor, name) != 0)
        return zmq_failed(err, "watch", link->endpoints[channel]);
    return QN_OK;
}

static qn_code connect_channel(struct qn_dialer *dialer, enum qn_channel channel,
                               const char *endpoint, struct qn_err *err)
{
    struct link *link = &dialer->link;
    QN_TRY(link_socket(link, channel, ZMQ_DEALER, endpoint, err));
    void *socket = link->sockets[channel];
    snprintf(link->endpoints[channel], sizeof link->endpoints[channel], "%s", endpoint);
    QN_TRY(watch_channel(dialer, channel, err));
    /* IMMEDIATE: nothing is queued for a coordinator that is not there. */
    bool set = set_int(socket, ZMQ_IMMEDIATE, 1) &&
               set_int(socket, ZMQ_RCVHWM, DIALER_RECEIVE_QUEUE) &&
               set_int(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS) &&
               set_int(socket, ZMQ_RECONNECT_IVL, jittered(RECONNECT_MS)) &&
               set_int(socket, ZMQ_RECONNECT_IVL_MAX, jittered(RECONNECT_MAX_MS));
    if (!set || zmq_connect(socket, endpoint) != 0)
        return zmq_failed(err, "connect to", endpoint);
    return QN_OK;
}

qn_code qn_dialer_open(const char *endpoint, struct qn_dialer **out, struct qn_err *err)
{
    *out = NULL;
    QN_TRY(qn_endpoint_check(endpoint, false, err));
    struct qn_dialer *dialer = calloc(1, sizeof *dialer);
    if (!dialer)
        return qn_err_nomem(err, "a dialer");
    qn_code code = link_init(&dialer->link, err);
    if (code == QN_OK)
        code = connect_channel(dialer, QN_CONTROL, endpoint, err);
    if (code != QN_OK)
        qn_dialer_close(dialer, 0);
    else
        *out = dialer;
    return code;
}

qn_code qn_dialer_open_data(struct qn_dialer *dialer, const char *endpoint, struct qn_err *err)
{
    if (dialer->link.sockets[QN_DATA])
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "the data channel is open already");
    char reachable[QN_ENDPOINT_TEXT];
    QN_TRY(qn_endpoint_reach(endpoint, dialer->link.endpoints[QN_CONTROL], reachable, err));
    QN_TRY(qn_endpoint_check(reachable, false, err));
    return connect_channel(dialer, QN_DATA, reachable, err);
}

/* A monitor's message: 16 bits of event, 32 of value; then the endpoint as a second part. */
static void read_events(struct qn_dialer *dialer, enum qn_channel channel)
{
    zmq_msg_t event;
    zmq_msg_init(&event);
    while (zmq_msg_recv(&event, dialer->monitors[channel], ZMQ_DONTWAIT) >= 0) {
        uint16_t id = 0;
        if (zmq_msg_size(&event) >= sizeof id)
            memcpy(&id, zmq_msg_data(&event), sizeof id);
        enum qn_dialer_state *state = &dialer->states[channel];
        if (id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && *state == QN_DIALING)
            *state = QN_CONNECTED;
        else if (id == ZMQ_EVENT_DISCONNECTED && *state == QN_CONNECTED)
            *state = QN_LOST;
        while (zmq_msg_more(&event) &&
               zmq_msg_recv(&event, dialer->monitors[channel], ZMQ_DONTWAIT) >= 0) {
        }
    }
    zmq_msg_close(&event);
}

enum qn_dialer_state qn_dialer_state(struct qn_dialer *dialer)
{
    enum qn_dialer_state worst = QN_CONNECTED;
    for (int i = 0; i < N_CHANNELS; i++) {
        if (!dialer->monitors[i])
            continue;
        read_events(dialer, (enum qn_channel)i);
        if (dialer->states[i] == QN_LOST || worst == QN_CONNECTED)
            worst = dialer->states[i];
    }
    return worst;
}

bool qn_dialer_wait(struct qn_dialer *dialer, int timeout_ms, int wake_fd)
{
    bool waiting = link_wait(&dialer->link, dialer->monitors, timeout_ms, wake_fd);
    for (int i = 0; i < N_CHANNELS; i++)
        if (dialer->monitors[i])
            read_events(dialer, (enum qn_channel)i);
    return waiting;
}

qn_code qn_dialer_receive(struct qn_dialer *dialer, struct qn_frame *frame, struct qn_err *err)
{
    struct link *link = &dialer->link;
    for (int i = 0; i < N_CHANNELS; i++) {
        void *socket = link->sockets[i];
        bool more;
        for (int strays = 0; socket && strays < MAX_STRAY_MESSAGES; strays++) {
            if (!receive_part(link, socket, &more))
                break;
            if (!more) {
                *frame =
                    (struct qn_frame){.channel = (enum qn_channel)i, .bytes = frame_bytes(link)};
                return QN_OK;
            }
            drop_rest(link, socket);
        }
    }
    return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "no frame is waiting");
}

qn_code qn_dialer_send(struct qn_dialer *dialer, enum qn_channel channel, struct qn_strv bytes,
                       struct qn_err *err)
{
    if (!dialer->link.sockets[channel])
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "the channel is not open");
    /* Behind a lost connection there may be another coordinator by now, which must be greeted. */
    if (qn_dialer_state(dialer) == QN_LOST)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "the connection was lost");
    return send_part(dialer->link.sockets[channel], bytes, 0, err);
}

void qn_dialer_close(struct qn_dialer *dialer, int linger_ms)
{
    if (!dialer)
        return;
    for (int i = 0; i < N_CHANNELS; i++) {
        if (!dialer->monitors[i])
            continue;
        zmq_socket_monitor(dialer->link.sockets[i], NULL, 0);
        zmq_close(dialer->monitors[i]);
    }
    link_fini(&dialer->link, linger_ms);
    free(dialer);
}
