/* endpoint: where a listener is and how to get there, as text: tcp://HOST:PORT, ipc://PATH.
 * A HOST in brackets is IPv6. */
#ifndef QN_WIRE_ENDPOINT_H
#define QN_WIRE_ENDPOINT_H

#include "base/err.h"

enum { QN_ENDPOINT_TEXT = 256 }; /* with the NUL */

/* QN_EINPUT, saying what was expected. A listener may also say port "*" (any free one) and host
 * "*" (every interface). */
QN_CHECK qn_code qn_endpoint_check(const char *endpoint, bool listens, struct qn_err *err);

/* Where the data channel of a listener on `control` is: another free port of that host, or the
 * path with ".data" behind it. */
QN_CHECK qn_code qn_endpoint_data(const char *control, char out[QN_ENDPOINT_TEXT],
                                  struct qn_err *err);

/* `endpoint` as told by a listener that was reached at `dialled`: where it names every interface
 * ("*", "0.0.0.0", "[::]") the host that was dialled stands in. */
QN_CHECK qn_code qn_endpoint_reach(const char *endpoint, const char *dialled,
                                   char out[QN_ENDPOINT_TEXT], struct qn_err *err);

bool qn_endpoint_is_ipv6(const char *endpoint);

#endif
