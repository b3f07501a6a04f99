/* sqlite_gather: a VFS of SQLite that writes in large pieces.
 *
 * A log takes two writes a page and a checkpoint one, each of which costs the kernel as much as
 * many pages at once. Here what is written one piece behind the other gathers in memory, and goes
 * to the file before anyone can rely on it: before a sync, before the log's index says that it is
 * there, and before anything else is done with the file. */
#ifndef QN_SINKS_SQLITE_GATHER_H
#define QN_SINKS_SQLITE_GATHER_H

/* Its name for sqlite3_open_v2(); NULL, the usual one, when it cannot be had. Any thread. */
const char *qn_sqlite_gather_vfs(void);

#endif
