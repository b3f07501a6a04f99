#include "coordinator/progress.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

enum { LIVE_MS = 200, LINES_MS = 3000 };

void qn_progress_begin(struct qn_progress_state *state, enum qn_progress mode)
{
    *state = (struct qn_progress_state){.mode = mode, .started_ms = qn_clock_ms()};
    state->shown_ms = state->started_ms;
}

static uint64_t units_of(const struct qn_job_run *job)
{
    return qn_job_run_units(job, job->stage);
}

/* Seconds left of the running stages at the pace so far; -1 when there is no pace yet. */
static double time_left(const struct qn_run *run, int64_t now_ms)
{
    double longest = -1;
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        const struct qn_job_run *job = &run->jobs[i];
        if (job->status != QN_JOB_RUNNING || job->n_committed == 0)
            continue;
        double spent = (double)(now_ms - job->started_ms) / 1000.0;
        double left = spent / job->n_committed * (double)(units_of(job) - job->n_committed);
        longest = left > longest ? left : longest;
    }
    return longest;
}

static void headline(char *out, size_t room, const struct qn_run *run,
                     const struct qn_schedule_counts *counts, int64_t started_ms)
{
    uint32_t done = 0;
    int64_t now = qn_clock_ms();
    double seconds = (double)(now - started_ms) / 1000.0;
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++)
        done += run->jobs[i].status == QN_JOB_SUCCESS;
    double left = time_left(run, now);
    char eta[32] = "";
    if (left >= 0)
        snprintf(eta, sizeof eta, ", about %.0f s left in this stage", left);
    snprintf(out, room, "%u of %u jobs, %.1f s, %.0f rows/s, %u worker%s%s", done,
             run->plan->spec.n_jobs, seconds, seconds > 0 ? (double)run->rows_read / seconds : 0.0,
             counts->workers, counts->workers == 1 ? "" : "s", eta);
}

static void job_line(char *out, size_t room, const struct qn_job_run *job)
{
    snprintf(out, room, "%s: %s, chunk %u of %llu", job->job->name,
             job->job->stages[job->stage].name, job->n_committed,
             (unsigned long long)units_of(job));
}

static void erase(struct qn_progress_state *state)
{
    for (; state->lines; state->lines--)
        fputs("\033[1A\033[2K", stderr);
}

static void show_live(struct qn_progress_state *state, const struct qn_run *run, const char *head)
{
    char line[256];
    erase(state);
    fprintf(stderr, "\033[1m%s\033[0m\n", head);
    state->lines = 1;
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        if (run->jobs[i].status != QN_JOB_RUNNING)
            continue;
        job_line(line, sizeof line, &run->jobs[i]);
        fprintf(stderr, "  %s\n", line);
        state->lines++;
    }
    fflush(stderr);
}

static void show_lines(const struct qn_run *run, const char *head)
{
    char line[256];
    qn_log_info("%s", head);
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        if (run->jobs[i].status != QN_JOB_RUNNING)
            continue;
        job_line(line, sizeof line, &run->jobs[i]);
        qn_log_info("  %s", line);
    }
}

void qn_progress_show(struct qn_progress_state *state, const struct qn_run *run,
                      const struct qn_schedule_counts *counts, const char *endpoint)
{
    int64_t now = qn_clock_ms();
    int64_t pause = state->mode == QN_PROGRESS_LIVE ? LIVE_MS : LINES_MS;
    if (state->mode == QN_PROGRESS_NONE || now - state->shown_ms < pause)
        return;
    state->shown_ms = now;
    char head[256];
    if (counts->workers == 0)
        snprintf(head, sizeof head, "waiting for workers: quern worker --connect %s", endpoint);
    else
        headline(head, sizeof head, run, counts, state->started_ms);
    if (state->mode == QN_PROGRESS_LIVE)
        show_live(state, run, head);
    else
        show_lines(run, head);
}

void qn_progress_end(struct qn_progress_state *state)
{
    if (state->mode == QN_PROGRESS_LIVE)
        erase(state);
}
