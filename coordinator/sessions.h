/* sessions: the workers that are connected, by session number and by their two connections. */
#ifndef QN_COORDINATOR_SESSIONS_H
#define QN_COORDINATOR_SESSIONS_H

#include "base/hash.h"
#include "wire/message.h"
#include "wire/transport.h"

/* What a worker was told of a repeating stage: the state that this round reads. */
struct qn_known_state {
    struct qn_known_state *next;
    uint32_t job, stage, round; /* round 0: nothing */
};

struct qn_session {
    struct qn_session *next;
    uint64_t number;
    struct qn_peer control, data;
    bool attached; /* its data connection is known */
    bool gone;     /* a send found nobody there */
    uint32_t slots;
    char pushed[QN_SHA256_HEX]; /* the blob that was sent last without being asked for */
    struct qn_known_state *states;
    struct qn_lease *leases; /* of the step under way (lease.h) */
    uint64_t owed_bytes;     /* received and spooled, credit not given back yet */
    char name[96];           /* for people: host, pid */
};

struct qn_sessions {
    struct qn_session *first;
    uint32_t n;
};

/* A new session for a HELLO; NULL when out of memory. */
struct qn_session *qn_sessions_add(struct qn_sessions *sessions, const struct qn_peer *control,
                                   const struct qn_msg *hello);
struct qn_session *qn_sessions_find(const struct qn_sessions *sessions, uint64_t number);
struct qn_session *qn_sessions_by_peer(const struct qn_sessions *sessions, enum qn_channel channel,
                                       const struct qn_peer *peer);
/* Of a job; as if nothing was told when it is new. */
QN_CHECK qn_code qn_session_known_state(struct qn_session *session, uint32_t job,
                                        struct qn_known_state **out, struct qn_err *err);
void qn_sessions_drop(struct qn_sessions *sessions, struct qn_session *session);
void qn_sessions_fini(struct qn_sessions *sessions);

#endif
