#include "coordinator/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "sinks/sqlite_db.h"

enum { BUSY_MS = 10000, STATEMENTS = 12 };

struct qn_journal {
    char *path;    /* of journal.db */
    int lock;      /* held until close or death */
    bool fleeting; /* nothing waits for the disk */
    sqlite3 *db;   /* NULL until it is needed */
    pthread_t opener;
    bool opening; /* the opener has not been joined; it alone touches db until then, and: */
    qn_code opened;
    struct qn_err why; /* it could not be opened */
    uint32_t n_prepared;
    struct {
        const char *sql; /* compared by address: a literal */
        sqlite3_stmt *stmt;
    } prepared[STATEMENTS];
};

/* --- the state folder ------------------------------------------------------------------------- */

/* mkdir -p. */
static qn_code make_folder(const char *folder, struct qn_err *err)
{
    char *path = strdup(folder);
    if (!path)
        return qn_err_nomem(err, "a path");
    int rc = 0;
    for (char *at = path + 1; rc == 0 && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        rc = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
        *at = '/';
    }
    if (rc == 0)
        rc = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
    qn_code code = rc == 0 ? QN_OK : qn_err_io(err, "create the state folder", folder);
    free(path);
    return code;
}

static qn_code refuse_locked(int lock, const char *folder, struct qn_err *err)
{
    char who[24] = "";
    ssize_t n = pread(lock, who, sizeof who - 1, 0);
    size_t digits = n > 0 ? strspn(who, "0123456789") : 0;
    who[digits] = '\0';
    return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB,
                      "another coordinator (process %s) works with the state folder %s; wait for "
                      "it, stop it, or give this one another --state",
                      digits ? who : "unknown", folder);
}

/* The kernel lets go of the lock when the process dies, however it dies. */
static qn_code take_lock(const char *folder, int *out, struct qn_err *err)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/lock", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the state folder's path is too long");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return qn_err_io(err, "open", path);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        qn_code code =
            errno == EWOULDBLOCK ? refuse_locked(lock, folder, err) : qn_err_io(err, "lock", path);
        close(lock);
        return code;
    }
    char pid[24];
    n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)n, 0) != n) {
        qn_code code = qn_err_io(err, "write", path);
        close(lock);
        return code;
    }
    *out = lock;
    return QN_OK;
}

qn_code qn_journal_open(const char *state_folder, struct qn_journal **out, struct qn_err *err)
{
    *out = NULL;
    if (!state_folder || !state_folder[0])
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the state folder has no name");
    QN_TRY(make_folder(state_folder, err));
    size_t bytes = strlen(state_folder) + sizeof "/journal.db";
    struct qn_journal *journal = calloc(1, sizeof *journal);
    char *path = malloc(bytes);
    if (!journal || !path) {
        free(journal);
        free(path);
        return qn_err_nomem(err, "the journal");
    }
    snprintf(path, bytes, "%s/journal.db", state_folder);
    journal->path = path;
    qn_code code = take_lock(state_folder, &journal->lock, err);
    if (code != QN_OK) {
        free(path);
        free(journal);
        return code;
    }
    *out = journal;
    return QN_OK;
}

void qn_journal_close(struct qn_journal *journal)
{
    if (!journal)
        return;
    if (journal->opening)
        pthread_join(journal->opener, NULL);
    for (uint32_t i = 0; i < journal->n_prepared; i++)
        sqlite3_finalize(journal->prepared[i].stmt);
    sqlite3_close(journal->db);
    (void)!ftruncate(journal->lock, 0); /* nobody is to dial us any more */
    close(journal->lock);               /* last: the next coordinator finds the database closed */
    free(journal->path);
    free(journal);
}

void qn_journal_forgo_sync(struct qn_journal *journal)
{
    journal->fleeting = true;
}

/* The lock file says "PID\nENDPOINT\n": whoever holds the lock, and where it listens. */
qn_code qn_journal_announce(struct qn_journal *journal, const char *endpoint, struct qn_err *err)
{
    char text[QN_JOURNAL_ENDPOINT + 32];
    int n = snprintf(text, sizeof text, "%ld\n%s\n", (long)getpid(), endpoint);
    if (n < 0 || (size_t)n >= sizeof text)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the endpoint is too long");
    if (ftruncate(journal->lock, 0) != 0 || pwrite(journal->lock, text, (size_t)n, 0) != n)
        return qn_err_io(err, "write the lock beside", journal->path);
    return QN_OK;
}

qn_code qn_journal_find_endpoint(const char *state_folder, char endpoint[QN_JOURNAL_ENDPOINT],
                                 struct qn_err *err)
{
    char path[4096], text[QN_JOURNAL_ENDPOINT + 32];
    snprintf(path, sizeof path, "%s/lock", state_folder);
    int lock = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = lock < 0 ? 0 : pread(lock, text, sizeof text - 1, 0);
    if (lock >= 0)
        close(lock);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    char *line = strchr(text, '\n');
    char *end = line ? strchr(line + 1, '\n') : NULL;
    endpoint[0] = '\0';
    /* A pid that lives on as another process is found out by dialling. */
    if (pid < 1 || !end || end - line > QN_JOURNAL_ENDPOINT - 1 ||
        (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "no coordinator works with %s",
                          state_folder);
    *end = '\0';
    snprintf(endpoint, QN_JOURNAL_ENDPOINT, "%s", line + 1);
    return QN_OK;
}

/* --- the database ----------------------------------------------------------------------------- */

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS runs(run_id TEXT PRIMARY KEY, plan_sha256 TEXT NOT NULL,"
    " status TEXT NOT NULL, begun_at TEXT NOT NULL, ended_at TEXT, warehouse TEXT) STRICT;"
    "CREATE TABLE IF NOT EXISTS attempts(run_id TEXT NOT NULL, job INTEGER NOT NULL,"
    " stage INTEGER NOT NULL, round INTEGER NOT NULL, unit INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, job, stage, round, unit)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS failures(run_id TEXT NOT NULL, job INTEGER NOT NULL,"
    " stage INTEGER NOT NULL, round INTEGER NOT NULL, unit INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, at TEXT NOT NULL, message TEXT NOT NULL) STRICT;"
    "PRAGMA user_version = 2;"
    "COMMIT";
/* Version 1 did not say whose run it was. */
static const char from_1[] = "BEGIN IMMEDIATE;"
                             "ALTER TABLE runs ADD COLUMN warehouse TEXT;"
                             "PRAGMA user_version = 2;"
                             "COMMIT";

/* A version that this engine does not know is refused: a wrong resume is worse than none. */
static qn_code setup(struct qn_journal *journal, struct qn_err *err)
{
    static const char doing[] = "open the journal";
    sqlite3_stmt *stmt;
    bool row;
    QN_TRY(journal->fleeting
               ? qn_sqlite_exec(journal->db,
                                "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY", doing,
                                err)
               : qn_sqlite_use_wal(journal->db, doing, err));
    /* Closing need not empty the log: the next run goes on with it. */
    if (sqlite3_db_config(journal->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL) !=
        SQLITE_OK)
        return qn_err_nomem(err, "the journal");
    QN_TRY(qn_sqlite_prepare(journal->db, "PRAGMA user_version", doing, &stmt, err));
    struct qn_sqlite_args args = qn_sqlite_args_of(stmt);
    qn_code code = qn_sqlite_next(&args, &row, doing, err);
    int version = code == QN_OK && row ? sqlite3_column_int(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    QN_TRY(code);
    if (version > 2)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB, "a newer engine made %s", journal->path);
    /* The log of a new file is new, too: nothing old in it could be taken for ours if the power
     * went now, so what it begins with needs no sync. */
    if (version == 0)
        QN_TRY(qn_sqlite_exec(journal->db, schema, doing, err));
    else if (version == 1)
        QN_TRY(qn_sqlite_exec(journal->db, from_1, doing, err));
    if (journal->fleeting)
        return QN_OK;
    return qn_sqlite_exec(journal->db, "PRAGMA synchronous = NORMAL", doing, err);
}

/* A crash of the power may take the last transactions of synchronous NORMAL: what was done is then
 * done again, for the ledger alone says what is done. A crash of the process takes nothing. */
static qn_code make_database(struct qn_journal *journal, struct qn_err *err)
{
    QN_TRY(qn_sqlite_open(journal->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, BUSY_MS,
                          "journal", &journal->db, err));
    qn_code code = setup(journal, err);
    if (code == QN_OK)
        return QN_OK;
    qn_err_frame(err, "while opening %s; without it a run starts from its beginning",
                 journal->path);
    sqlite3_close(journal->db);
    journal->db = NULL;
    return code;
}

static void *open_beside(void *context)
{
    struct qn_journal *journal = context;
    journal->opened = make_database(journal, &journal->why);
    return NULL;
}

void qn_journal_open_beside(struct qn_journal *journal)
{
    journal->opening = pthread_create(&journal->opener, NULL, open_beside, journal) == 0;
}

/* When opening beside failed, so will every use, and with the same words. */
static qn_code await_opener(struct qn_journal *journal, struct qn_err *err)
{
    if (journal->opening)
        pthread_join(journal->opener, NULL);
    journal->opening = false;
    if (journal->opened != QN_OK && err)
        *err = journal->why;
    return journal->opened;
}

static qn_code open_database(struct qn_journal *journal, struct qn_err *err)
{
    QN_TRY(await_opener(journal, err));
    return journal->db ? QN_OK : make_database(journal, err);
}

/* What was never written is not there: no need to create the file to find that out. */
static qn_code open_existing(struct qn_journal *journal, bool *exists, struct qn_err *err)
{
    QN_TRY(await_opener(journal, err));
    *exists = journal->db || access(journal->path, F_OK) == 0;
    return *exists ? open_database(journal, err) : QN_OK;
}

static qn_code args_of(struct qn_journal *journal, const char *sql, const char *doing,
                       struct qn_sqlite_args *args, struct qn_err *err)
{
    QN_TRY(open_database(journal, err));
    uint32_t i = 0;
    while (i < journal->n_prepared && journal->prepared[i].sql != sql)
        i++;
    if (i == STATEMENTS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_COORDINATOR,
                          "cannot %s: more than %d kinds of statement", doing, STATEMENTS);
    if (i == journal->n_prepared) {
        QN_TRY(qn_sqlite_prepare(journal->db, sql, doing, &journal->prepared[i].stmt, err));
        journal->prepared[i].sql = sql;
        journal->n_prepared++;
    }
    *args = qn_sqlite_args_of(journal->prepared[i].stmt);
    return QN_OK;
}

static qn_code run_sql(struct qn_journal *journal, const char *sql, const char *doing,
                       const char *a, const char *b, const char *c, struct qn_err *err)
{
    struct qn_sqlite_args args;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    const char *const texts[] = {a, b, c};
    for (int i = 0; i < sqlite3_bind_parameter_count(args.stmt) && i < 3; i++)
        qn_sqlite_text(&args, texts[i]);
    return qn_sqlite_run(&args, doing, err);
}

/* --- transactions ----------------------------------------------------------------------------- */

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";

static qn_code begin(struct qn_journal *journal, struct qn_err *err)
{
    return run_sql(journal, sql_begin, "write the journal", NULL, NULL, NULL, err);
}

static qn_code end(struct qn_journal *journal, qn_code code, struct qn_err *err)
{
    if (code == QN_OK)
        code = run_sql(journal, sql_commit, "write the journal", NULL, NULL, NULL, err);
    if (code != QN_OK && !sqlite3_get_autocommit(journal->db))
        (void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

/* --- runs ------------------------------------------------------------------------------------- */

qn_code qn_journal_find_run(struct qn_journal *journal, const char *plan_sha256, char run_id[64],
                            struct qn_err *err)
{
    static const char sql[] = "SELECT run_id FROM runs WHERE plan_sha256 = ? AND ended_at IS NULL "
                              "ORDER BY rowid DESC LIMIT 1";
    static const char doing[] = "look for an unfinished run";
    struct qn_sqlite_args args;
    bool found;
    run_id[0] = '\0';
    QN_TRY(open_existing(journal, &found, err));
    if (found) {
        QN_TRY(args_of(journal, sql, doing, &args, err));
        qn_sqlite_text(&args, plan_sha256);
        QN_TRY(qn_sqlite_next(&args, &found, doing, err));
    }
    if (!found)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_NONE, "no run of this plan is unfinished");
    struct qn_strv name = qn_sqlite_column_strv(args.stmt, 0);
    bool fits = name.len > 0 && name.len < 64;
    if (fits)
        snprintf(run_id, 64, "%.*s", QN_STRV_ARG(name));
    qn_sqlite_rewind(&args);
    return fits ? QN_OK
                : qn_err_set(err, QN_EINPUT, QN_BLAME_COORDINATOR,
                             "%s names a run that this engine did not name", journal->path);
}

qn_code qn_journal_is_unfinished(struct qn_journal *journal, const char *run_id,
                                 const char *warehouse, bool *unfinished, bool *here,
                                 struct qn_err *err)
{
    static const char sql[] = "SELECT warehouse IS ?2 FROM runs "
                              "WHERE run_id = ?1 AND ended_at IS NULL";
    static const char doing[] = "look for an unfinished run";
    struct qn_sqlite_args args;
    *here = false;
    QN_TRY(open_existing(journal, unfinished, err));
    if (!*unfinished)
        return QN_OK;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, warehouse);
    QN_TRY(qn_sqlite_next(&args, unfinished, doing, err));
    if (!*unfinished)
        return QN_OK;
    *here = sqlite3_column_int(args.stmt, 0) == 1;
    qn_sqlite_rewind(&args);
    return QN_OK;
}

qn_code qn_journal_begin_run(struct qn_journal *journal, const char *run_id,
                             const char *plan_sha256, const char *warehouse, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO runs VALUES(?,?,'running',?,NULL,?) "
                              "ON CONFLICT DO NOTHING";
    static const char doing[] = "record the run";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, plan_sha256);
    qn_sqlite_text(&args, now);
    qn_sqlite_text(&args, warehouse);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code end_run(struct qn_journal *journal, const char *run_id, const char *status,
                       struct qn_err *err)
{
    static const char runs[] = "UPDATE runs SET status = ?2, ended_at = ?3 WHERE run_id = ?1";
    static const char attempts[] = "DELETE FROM attempts WHERE run_id = ?";
    static const char doing[] = "record the end of the run";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    QN_TRY(run_sql(journal, runs, doing, run_id, status, now, err));
    /* Nobody goes on with it: what it would take is let go. */
    return run_sql(journal, attempts, doing, run_id, NULL, NULL, err);
}

qn_code qn_journal_end_run(struct qn_journal *journal, const char *run_id, const char *status,
                           struct qn_err *err)
{
    QN_TRY(begin(journal, err));
    return end(journal, end_run(journal, run_id, status, err), err);
}

/* --- attempts --------------------------------------------------------------------------------- */

static void bind_stage(struct qn_sqlite_args *args, const char *run_id, uint32_t job,
                       uint32_t stage, uint32_t round)
{
    qn_sqlite_text(args, run_id);
    qn_sqlite_u64(args, job);
    qn_sqlite_u64(args, stage);
    qn_sqlite_u64(args, round);
}

static qn_code put_attempt(struct qn_journal *journal, const char *run_id,
                           const struct qn_token *token, struct qn_err *err)
{
    static const char sql[] =
        "INSERT INTO attempts VALUES(?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
        "attempt = max(attempt, excluded.attempt), epoch = excluded.epoch";
    static const char doing[] = "record an attempt";
    struct qn_sqlite_args args;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    bind_stage(&args, run_id, token->job, token->stage, token->round);
    qn_sqlite_u64(&args, token->unit);
    qn_sqlite_u64(&args, token->attempt);
    qn_sqlite_u64(&args, token->epoch);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_journal_put_attempts(struct qn_journal *journal, const char *run_id,
                                const struct qn_token *tokens, uint32_t n, struct qn_err *err)
{
    if (n == 0)
        return QN_OK;
    QN_TRY(begin(journal, err));
    qn_code code = QN_OK;
    for (uint32_t i = 0; code == QN_OK && i < n; i++)
        code = put_attempt(journal, run_id, &tokens[i], err);
    return end(journal, code, err);
}

qn_code qn_journal_get_attempts(struct qn_journal *journal, const char *run_id, uint32_t job,
                                uint32_t stage, uint32_t round, uint32_t *attempts,
                                uint32_t n_units, struct qn_err *err)
{
    static const char sql[] = "SELECT unit, attempt FROM attempts "
                              "WHERE run_id = ? AND job = ? AND stage = ? AND round = ?";
    static const char doing[] = "read the attempts";
    struct qn_sqlite_args args;
    bool more;
    memset(attempts, 0, n_units * sizeof *attempts);
    QN_TRY(open_existing(journal, &more, err));
    if (!more)
        return QN_OK;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    bind_stage(&args, run_id, job, stage, round);
    for (;;) {
        QN_TRY(qn_sqlite_next(&args, &more, doing, err));
        if (!more)
            return QN_OK;
        int64_t unit = sqlite3_column_int64(args.stmt, 0);
        int64_t attempt = sqlite3_column_int64(args.stmt, 1);
        if (unit < 0 || unit >= n_units || attempt < 0 || attempt > UINT32_MAX)
            continue; /* not of this plan: it can mean no task that will be sent */
        attempts[unit] = (uint32_t)attempt;
    }
}

/* --- failures -------------------------------------------------------------------------------- */

qn_code qn_journal_put_failure(struct qn_journal *journal, const char *run_id,
                               const struct qn_token *token, const char *message,
                               struct qn_err *err)
{
    static const char sql[] = "INSERT INTO failures VALUES(?,?,?,?,?,?,?,?)";
    static const char doing[] = "record a failure";
    char now[QN_CLOCK_ISO];
    qn_clock_iso(now);
    struct qn_sqlite_args args;
    QN_TRY(args_of(journal, sql, doing, &args, err));
    bind_stage(&args, run_id, token->job, token->stage, token->round);
    qn_sqlite_u64(&args, token->unit);
    qn_sqlite_u64(&args, token->attempt);
    qn_sqlite_text(&args, now);
    qn_sqlite_text(&args, message);
    return qn_sqlite_run(&args, doing, err);
}
