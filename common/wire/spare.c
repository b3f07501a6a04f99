/* What libzmq asks of libraries for transports and mechanisms that no endpoint of ours can name:
 * PGM and GSSAPI. Here they are not to be had, and a process starts sooner.
 *
 * pgm_init, which every first context calls, would look up its protocol's number, for which the
 * system loads what it reads names with. The others are never called; without them a program linked
 * from archives would load Kerberos. */
#include <stddef.h>

enum { GSS_FAILURE = 13 << 16 }; /* RFC 2744: GSS_S_FAILURE */

#define ABSENT(name)                                                                               \
    unsigned name(void);                                                                           \
    unsigned name(void)                                                                            \
    {                                                                                              \
        return GSS_FAILURE;                                                                        \
    }

int pgm_init(void **error);
int pgm_shutdown(void);
extern const void *const GSS_C_NT_HOSTBASED_SERVICE;
extern const void *const GSS_C_NT_USER_NAME;

/* Yes, it has begun: a no would end the process. */
int pgm_init(void **error)
{
    (void)error;
    return 1;
}

int pgm_shutdown(void)
{
    return 1;
}

const void *const GSS_C_NT_HOSTBASED_SERVICE = NULL;
const void *const GSS_C_NT_USER_NAME = NULL;
ABSENT(gss_accept_sec_context)
ABSENT(gss_acquire_cred)
ABSENT(gss_delete_sec_context)
ABSENT(gss_display_name)
ABSENT(gss_import_name)
ABSENT(gss_init_sec_context)
ABSENT(gss_release_buffer)
ABSENT(gss_release_cred)
ABSENT(gss_release_name)
ABSENT(gss_unwrap)
ABSENT(gss_wrap)
