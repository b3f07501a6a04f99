#include "coordinator/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* flock() and the byte ranges that SQLite locks by fcntl() do not see each other. */
qn_code qn_lock_warehouse(const char *path, int *out, struct qn_err *err)
{
    *out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*out < 0)
        return qn_err_io(err, "open warehouse", path);
    if (flock(*out, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return QN_OK; /* where files cannot be locked, the epoch still keeps two apart */
    qn_lock_release(*out);
    *out = -1;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB,
                      "another run writes to the warehouse %s; wait for it, stop it, or give this "
                      "one another --warehouse",
                      path);
}

void qn_lock_release(int lock)
{
    if (lock >= 0)
        close(lock);
}
