/* lock: keeps two coordinators from writing to one warehouse at a time. */
#ifndef QN_COORDINATOR_LOCK_H
#define QN_COORDINATOR_LOCK_H

#include "base/err.h"

/* Locks the warehouse's file, which is made when it is not there; QN_ESTATE when another process
 * has it. *out is for qn_lock_release(), -1 after an error. The kernel lets go when the process
 * dies, however it dies. */
QN_CHECK qn_code qn_lock_warehouse(const char *path, int *out, struct qn_err *err);
/* After the warehouse is closed: closing any descriptor of the file drops SQLite's own locks. */
void qn_lock_release(int lock);

#endif
