#include "coordinator/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static bool same_peer(const struct qn_peer *a, const struct qn_peer *b)
{
    return a->len == b->len && memcmp(a->id, b->id, a->len) == 0;
}

/* Random, so that a data connection proves that it heard the WELCOME. */
static uint64_t draw_number(const struct qn_sessions *sessions)
{
    uint64_t number = 0;
    while (number == 0 || qn_sessions_find(sessions, number))
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            number = 0;
    return number;
}

struct qn_session *qn_sessions_add(struct qn_sessions *sessions, const struct qn_peer *control,
                                   const struct qn_msg *hello)
{
    struct qn_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->number = draw_number(sessions);
    session->control = *control;
    session->slots = hello->hello.slots;
    snprintf(session->name, sizeof session->name, "%.*s/%llu",
             (int)(hello->hello.host.len < 64 ? hello->hello.host.len : 64),
             hello->hello.host.data ? hello->hello.host.data : "",
             (unsigned long long)hello->hello.pid);
    session->next = sessions->first;
    sessions->first = session;
    sessions->n++;
    return session;
}

struct qn_session *qn_sessions_find(const struct qn_sessions *sessions, uint64_t number)
{
    struct qn_session *session = sessions->first;
    while (session && session->number != number)
        session = session->next;
    return session;
}

struct qn_session *qn_sessions_by_peer(const struct qn_sessions *sessions, enum qn_channel channel,
                                       const struct qn_peer *peer)
{
    for (struct qn_session *session = sessions->first; session; session = session->next)
        if (channel == QN_CONTROL ? same_peer(&session->control, peer)
                                  : session->attached && same_peer(&session->data, peer))
            return session;
    return NULL;
}

qn_code qn_session_known_state(struct qn_session *session, uint32_t job,
                               struct qn_known_state **out, struct qn_err *err)
{
    struct qn_known_state *known = session->states;
    while (known && known->job != job)
        known = known->next;
    if (!known) {
        known = calloc(1, sizeof *known);
        if (!known)
            return qn_err_nomem(err, "what a worker knows");
        known->job = job;
        known->next = session->states;
        session->states = known;
    }
    *out = known;
    return QN_OK;
}

void qn_sessions_drop(struct qn_sessions *sessions, struct qn_session *session)
{
    struct qn_session **link = &sessions->first;
    while (*link && *link != session)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = session->next;
    sessions->n--;
    while (session->states) {
        struct qn_known_state *next = session->states->next;
        free(session->states);
        session->states = next;
    }
    free(session);
}

void qn_sessions_fini(struct qn_sessions *sessions)
{
    while (sessions->first)
        qn_sessions_drop(sessions, sessions->first);
}
