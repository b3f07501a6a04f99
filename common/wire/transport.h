/* transport: ZeroMQ behind a seam. A listener (ROUTER pair) for the coordinator, a dialer (DEALER
 * pair) for a worker; each has a control and a data channel so that bulk never delays heartbeats.
 *
 * One thread owns a listener or dialer. Sends never block: QN_ESTATE means the peer is gone or its
 * queue is full, and the caller treats the peer as lost. A send that succeeded is not a delivery.
 * Endpoints: wire/endpoint.h. All of a process share one ZeroMQ context: never fork while a
 * listener or dialer is open (posix_spawn and exec are fine). */
#ifndef QN_WIRE_TRANSPORT_H
#define QN_WIRE_TRANSPORT_H

#include "base/err.h"
#include "base/strv.h"

enum qn_channel { QN_CONTROL, QN_DATA };

/* A connection of a listener: ZeroMQ's routing id. */
struct qn_peer {
    uint8_t id[16];
    uint8_t len;
};

struct qn_frame {
    enum qn_channel channel;
    struct qn_peer peer;  /* listener only */
    struct qn_strv bytes; /* good until the next receive on the same object */
};

struct qn_listener;
/* Raises the process's limit of open files: every worker takes two. */
QN_CHECK qn_code qn_listener_open(const char *endpoint, struct qn_listener **out,
                                  struct qn_err *err);
/* As bound: "tcp://127.0.0.1:40123" for a port of "*". */
const char *qn_listener_endpoint(const struct qn_listener *listener, enum qn_channel channel);
/* Waits up to timeout_ms (-1: for ever) for a frame on either channel, or for wake_fd (-1: none)
 * to become readable; true when receive may have something. EINTR returns false. */
bool qn_listener_wait(struct qn_listener *listener, int timeout_ms, int wake_fd);
/* QN_OK with a frame; QN_ENOTFOUND when there is none. Control first. */
QN_CHECK qn_code qn_listener_receive(struct qn_listener *listener, struct qn_frame *frame,
                                     struct qn_err *err);
QN_CHECK qn_code qn_listener_send(struct qn_listener *listener, enum qn_channel channel,
                                  const struct qn_peer *peer, struct qn_strv bytes,
                                  struct qn_err *err);
/* Waits up to linger_ms for what was sent to leave; 0 drops it. */
void qn_listener_close(struct qn_listener *listener, int linger_ms);

struct qn_dialer;
/* A dialer's connection comes up by itself as soon as somebody listens, and once lost stays lost:
 * behind it may be another coordinator by then. Close, open anew, say HELLO again. */
enum qn_dialer_state {
    QN_DIALING,   /* an open channel is not up yet: sends give QN_ESTATE */
    QN_CONNECTED, /* every open channel is up */
    QN_LOST,      /* a channel was up and went down: sends give QN_ESTATE from now on */
};
enum qn_dialer_state qn_dialer_state(struct qn_dialer *dialer);

/* Starts to connect the control channel; the data channel follows by qn_dialer_open_data, to the
 * endpoint that WELCOME told. */
QN_CHECK qn_code qn_dialer_open(const char *endpoint, struct qn_dialer **out, struct qn_err *err);
QN_CHECK qn_code qn_dialer_open_data(struct qn_dialer *dialer, const char *endpoint,
                                     struct qn_err *err);
/* As qn_listener_wait; a change of state ends the wait too (with false). */
bool qn_dialer_wait(struct qn_dialer *dialer, int timeout_ms, int wake_fd);
QN_CHECK qn_code qn_dialer_receive(struct qn_dialer *dialer, struct qn_frame *frame,
                                   struct qn_err *err);
QN_CHECK qn_code qn_dialer_send(struct qn_dialer *dialer, enum qn_channel channel,
                                struct qn_strv bytes, struct qn_err *err);
void qn_dialer_close(struct qn_dialer *dialer, int linger_ms);

#endif
