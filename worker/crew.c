#include "worker/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"

/* Who waits for longer than this sleeps; the clock is asked once in so many looks. */
enum { AWAKE_US = 250, LOOKS = 64 };

struct member {
    struct qn_crew *crew;
    uint32_t number;
    pthread_t thread;
    uint64_t cpu_us; /* when it has ended */
};

struct qn_crew {
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
static void await(struct qn_crew *crew, atomic_uint *count, unsigned old)
{
    int64_t until_us = qn_clock_us() + AWAKE_US;
    do {
        for (int i = 0; i < LOOKS; i++) {
            if (atomic_load_explicit(count, memory_order_acquire) != old)
                return;
            relax();
        }
    } while (qn_clock_us() < until_us);
    pthread_mutex_lock(&crew->lock);
    while (atomic_load_explicit(count, memory_order_acquire) == old)
        pthread_cond_wait(&crew->changed, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

/* Under the lock, so that who is about to sleep sees it or is woken. */
static void count_up(struct qn_crew *crew, atomic_uint *count)
{
    pthread_mutex_lock(&crew->lock);
    atomic_fetch_add_explicit(count, 1, memory_order_release);
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

static void *serve(void *argument)
{
    struct member *member = argument;
    struct qn_crew *crew = member->crew;
    for (unsigned turn = 0;; turn++) {
        await(crew, &crew->n_begun, turn);
        if (crew->closing)
            break;
        crew->fn(crew->context, member->number);
        if (atomic_fetch_sub_explicit(&crew->n_busy, 1, memory_order_acq_rel) == 1)
            count_up(crew, &crew->n_over);
    }
    member->cpu_us = (uint64_t)qn_clock_thread_us();
    return NULL;
}

qn_code qn_crew_new(uint32_t n_members, struct qn_crew **out, struct qn_err *err)
{
    struct qn_crew *crew = calloc(1, sizeof *crew);
    *out = NULL;
    if (!crew || !(crew->members = calloc(n_members, sizeof *crew->members))) {
        free(crew);
        return qn_err_nomem(err, "threads");
    }
    atomic_init(&crew->n_begun, 0);
    atomic_init(&crew->n_over, 0);
    atomic_init(&crew->n_busy, 0);
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    for (uint32_t i = 1; i < n_members; i++) {
        struct member *member = &crew->members[i];
        *member = (struct member){.crew = crew, .number = i};
        if (pthread_create(&member->thread, NULL, serve, member) != 0) {
            qn_crew_free(crew);
            return qn_err_set(err, QN_ENOMEM, QN_BLAME_WORKER, "cannot start a thread");
        }
        crew->n_started++;
    }
    *out = crew;
    return QN_OK;
}

void qn_crew_turn(struct qn_crew *crew, void (*fn)(void *context, uint32_t member), void *context)
{
    unsigned n_over = atomic_load(&crew->n_over);
    crew->fn = fn;
    crew->context = context;
    if (crew->n_started) {
        atomic_store(&crew->n_busy, crew->n_started);
        count_up(crew, &crew->n_begun);
    }
    fn(context, 0);
    if (crew->n_started)
        await(crew, &crew->n_over, n_over);
}

uint64_t qn_crew_free(struct qn_crew *crew)
{
    uint64_t cpu_us = 0;
    if (!crew)
        return 0;
    crew->closing = true;
    count_up(crew, &crew->n_begun);
    for (uint32_t i = 1; i <= crew->n_started; i++) {
        pthread_join(crew->members[i].thread, NULL);
        cpu_us += crew->members[i].cpu_us;
    }
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
    free(crew->members);
    free(crew);
    return cpu_us;
}
