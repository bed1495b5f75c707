/* SPDX-License-Identifier: MPL-2.0 */
/* Chapters 1 and 2: the version, slk_errno() and slk_strerror(). */
#include "sockets.h"

#include <stdio.h>

/* Constants can be used by the preprocessor. */
#if SLK_VERSION_MAJOR != 0 || SLK_VERSION_MINOR != 1 || SLK_VERSION_PATCH != 0
#error "another version"
#endif
#if SLK_EINVAL != 1 || SLK_ENOMEM != 2 || SLK_EAGAIN != 3 || SLK_ENOTSOCK != 4 ||                  \
    SLK_EPROTO != 5 || SLK_ETERM != 6 || SLK_EMTHREAD != 7 || SLK_EHOSTUNREACH != 10 ||            \
    SLK_ENOTREADY != 11 || SLK_EPEERUNREACH != 12 || SLK_EAUTH != 13
#error "another error number"
#endif

static void version_is_the_headers(void)
{
    int major = -1;
    int minor = -1;
    int patch = -1;
    slk_version(&major, &minor, &patch);
    CHECK_INT(major, SLK_VERSION_MAJOR);
    CHECK_INT(minor, SLK_VERSION_MINOR);
    CHECK_INT(patch, SLK_VERSION_PATCH);
}

CASES(version_and_errors) = {
    {"the version is that of the header", version_is_the_headers},
    END_OF_CASES,
};
