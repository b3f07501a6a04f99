#include "worker/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"

/* Who waits for longer than this sleeps; the clock is asked once in so many looks. */
enum { AWAKE_US = 250, LOOKS = 64 };

struct member {
    struct qn_team *team;
    uint32_t number;
    pthread_t thread;
    uint64_t cpu_us; /* when it has ended */
};

struct qn_team {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_uint n_begun, n_over; /* turns */
    atomic_uint n_busy;          /* threads in this one */
    bool closing;                /* set before the last turn begins */
    void (*fn)(void *context, uint32_t member);
    void *context;
    struct member *members;
    uint32_t n_started;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Until the count is no longer `old`. */
static void await(struct qn_team *team, atomic_uint *count, unsigned old)
{
    int64_t until_us = qn_clock_us() + AWAKE_US;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(count, memory_order_acquire) != old)
                return;
            relax();
        }
    } while (qn_clock_us() < until_us);
    pthread_mutex_lock(&team->lock);
    while (atomic_load_explicit(count, memory_order_acquire) == old)
        pthread_cond_wait(&team->changed, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

/* Under the lock, so that who is about to sleep sees it or is woken. */
static void count_up(struct qn_team *team, atomic_uint *count)
{
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add_explicit(count, 1, memory_order_release);
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->lock);
}

static void *serve(void *argument)
{
    struct member *member = argument;
    struct qn_team *team = member->team;
    for (unsigned turn = 0;; turn++) {
        await(team, &team->n_begun, turn);
        if (team->closing)
            break;
        team->fn(team->context, member->number);
        if (atomic_fetch_sub_explicit(&team->n_busy, 1, memory_order_acq_rel) == 1)
            count_up(team, &team->n_over);
    }
    member->cpu_us = (uint64_t)qn_clock_thread_us();
    return NULL;
}

qn_code qn_team_new(uint32_t n_members, struct qn_team **out, struct qn_err *err)
{
    struct qn_team *team = calloc(1, sizeof *team);
    *out = NULL;
    if (!team || !(team->members = calloc(n_members, sizeof *team->members))) {
        free(team);
        return qn_err_nomem(err, "threads");
    }
    atomic_init(&team->n_begun, 0);
    atomic_init(&team->n_over, 0);
    atomic_init(&team->n_busy, 0);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->changed, NULL);
    for (uint32_t i = 1; i < n_members; i++) {
        struct member *member = &team->members[i];
        *member = (struct member){.team = team, .number = i};
        if (pthread_create(&member->thread, NULL, serve, member) != 0) {
            qn_team_free(team);
            return qn_err_set(err, QN_ENOMEM, QN_BLAME_WORKER, "cannot start a thread");
        }
        team->n_started++;
    }
    *out = team;
    return QN_OK;
}

void qn_team_turn(struct qn_team *team, void (*fn)(void *context, uint32_t member), void *context)
{
    unsigned n_over = atomic_load(&team->n_over);
    team->fn = fn;
    team->context = context;
    if (team->n_started) {
        atomic_store(&team->n_busy, team->n_started);
        count_up(team, &team->n_begun);
    }
    fn(context, 0);
    if (team->n_started)
        await(team, &team->n_over, n_over);
}

uint64_t qn_team_free(struct qn_team *team)
{
    uint64_t cpu_us = 0;
    if (!team)
        return 0;
    team->closing = true;
    count_up(team, &team->n_begun);
    for (uint32_t i = 1; i <= team->n_started; i++) {
        pthread_join(team->members[i].thread, NULL);
        cpu_us += team->members[i].cpu_us;
    }
    pthread_cond_destroy(&team->changed);
    pthread_mutex_destroy(&team->lock);
    free(team->members);
    free(team);
    return cpu_us;
}
