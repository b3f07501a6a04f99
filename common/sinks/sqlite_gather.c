#include "sinks/sqlite_gather.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Seven pages of the warehouse and their headers; the usual VFS takes no 128 KiB at once. */
enum { GATHERED_BYTES = 120 << 10 };

struct gathered {
    sqlite3_file base;
    sqlite3_file *real;     /* behind this, in memory that SQLite made */
    struct gathered *other; /* a database's log while it is open; a log's database */
    char *bytes;            /* [GATHERED_BYTES], for `offset` on */
    size_t len;
    sqlite3_int64 offset;
    int failed; /* of a flush that had nobody to tell; told to who writes or syncs next */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs gather_vfs;

static struct gathered *of(sqlite3_file *file)
{
    return (struct gathered *)(void *)file;
}

static int flush(struct gathered *g)
{
    size_t len = g->len;
    int failed = g->failed;
    g->len = 0;
    g->failed = SQLITE_OK;
    if (failed != SQLITE_OK || len == 0)
        return failed;
    return g->real->pMethods->xWrite(g->real, g->bytes, (int)len, g->offset);
}

/* --- the file --------------------------------------------------------------------------------- */

static int gather_close(sqlite3_file *file)
{
    struct gathered *g = of(file);
    int rc = flush(g);
    if (g->other)
        g->other->other = NULL;
    free(g->bytes);
    int closed = g->real->pMethods->xClose(g->real);
    return rc != SQLITE_OK ? rc : closed;
}

static int gather_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    struct gathered *g = of(file);
    bool follows = g->len && offset == g->offset + (sqlite3_int64)g->len;
    if (!follows || g->len + (size_t)n > GATHERED_BYTES) {
        int rc = flush(g);
        if (rc != SQLITE_OK)
            return rc;
        g->offset = offset;
    }
    if (n > GATHERED_BYTES)
        return g->real->pMethods->xWrite(g->real, bytes, n, offset);
    memcpy(g->bytes + g->len, bytes, (size_t)n);
    g->len += (size_t)n;
    return SQLITE_OK;
}

/* Everything else sees the file as if nothing were gathered. */
#define FLUSHED(file, call)                                                                        \
    do {                                                                                           \
        struct gathered *g = of(file);                                                             \
        int rc = flush(g);                                                                         \
        return rc != SQLITE_OK ? rc : g->real->pMethods->call;                                     \
    } while (0)

static int gather_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    FLUSHED(file, xRead(g->real, out, n, offset));
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    FLUSHED(file, xTruncate(g->real, size));
}

static int gather_sync(sqlite3_file *file, int flags)
{
    FLUSHED(file, xSync(g->real, flags));
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *size)
{
    FLUSHED(file, xFileSize(g->real, size));
}

static int gather_control(sqlite3_file *file, int op, void *arg)
{
    FLUSHED(file, xFileControl(g->real, op, arg));
}

static int gather_lock(sqlite3_file *file, int level)
{
    FLUSHED(file, xLock(g->real, level));
}

static int gather_unlock(sqlite3_file *file, int level)
{
    FLUSHED(file, xUnlock(g->real, level));
}

static int gather_check_lock(sqlite3_file *file, int *out)
{
    FLUSHED(file, xCheckReservedLock(g->real, out));
}

static int gather_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int gather_traits(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

/* --- the log's index -------------------------------------------------------------------------- */

/* Others go by the index: what it says of the log, or of pages that are back in the file, has to be
 * there. SQLite passes a barrier, or gives up a lock, before it holds. */
static void flush_both(struct gathered *g)
{
    int rc = flush(g);
    g->failed = rc;
    if (g->other) {
        rc = flush(g->other);
        g->other->failed = rc;
    }
}

static int gather_shm_map(sqlite3_file *file, int region, int bytes, int extend,
                          void volatile **out)
{
    return of(file)->real->pMethods->xShmMap(of(file)->real, region, bytes, extend, out);
}

static int gather_shm_lock(sqlite3_file *file, int first, int n, int flags)
{
    flush_both(of(file));
    return of(file)->real->pMethods->xShmLock(of(file)->real, first, n, flags);
}

static void gather_shm_barrier(sqlite3_file *file)
{
    flush_both(of(file));
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int gather_shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, remove);
}

/* Version 2: the file is never mapped. */
static const sqlite3_io_methods gather_methods = {
    .iVersion = 2,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_check_lock,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector,
    .xDeviceCharacteristics = gather_traits,
    .xShmMap = gather_shm_map,
    .xShmLock = gather_shm_lock,
    .xShmBarrier = gather_shm_barrier,
    .xShmUnmap = gather_shm_unmap,
};

/* --- opening ---------------------------------------------------------------------------------- */

static bool is_ours(const sqlite3_file *file)
{
    return file && file->pMethods == &gather_methods;
}

/* Databases and their logs; journals and scratch files are the usual ones. */
static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    struct gathered *g = of(file);
    (void)vfs;
    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
    *g =
        (struct gathered){.real = (sqlite3_file *)(void *)(g + 1), .bytes = malloc(GATHERED_BYTES)};
    int rc = g->bytes ? real_vfs->xOpen(real_vfs, name, g->real, flags, out_flags) : SQLITE_NOMEM;
    if (rc != SQLITE_OK) {
        free(g->bytes);
        return rc;
    }
    g->base.pMethods = &gather_methods;
    sqlite3_file *database = flags & SQLITE_OPEN_WAL ? sqlite3_database_file_object(name) : NULL;
    if (is_ours(database)) {
        g->other = of(database);
        g->other->other = g;
    }
    return SQLITE_OK;
}

/* All but opening is the usual VFS's, which tells itself by pAppData. */
static void make_vfs(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (!real_vfs)
        return;
    gather_vfs = *real_vfs;
    gather_vfs.pNext = NULL;
    gather_vfs.zName = "quern-gather";
    gather_vfs.szOsFile = (int)sizeof(struct gathered) + real_vfs->szOsFile;
    gather_vfs.xOpen = gather_open;
    if (sqlite3_vfs_register(&gather_vfs, 0) != SQLITE_OK)
        real_vfs = NULL;
}

const char *qn_sqlite_gather_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_vfs);
    return real_vfs ? gather_vfs.zName : NULL;
}
