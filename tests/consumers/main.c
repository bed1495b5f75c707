/* SPDX-License-Identifier: MPL-2.0 */

/* A program in C99 that uses the installed library: a request over tcp, and what fails. */
#include <serverlink/serverlink.h>

#include <stdio.h>
#include <string.h>

#if defined(_WIN32) && defined(EXPECT_DLL) && !defined(SL_USING_DLL)
#error "a user of the DLL is not told that it is one"
#endif

static int fail(const char* what)
{
    fprintf(stderr, "%s: %s\n", what, slk_strerror(slk_errno()));
    return 1;
}

int main(void)
{
    const int timeout = 10000;
    char endpoint[256], peer[256], text[16];
    size_t length = sizeof endpoint;
    int major, minor, patch, size;
    slk_ctx_t* ctx = slk_ctx_new();
    slk_socket_t* router = slk_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = slk_socket(ctx, SLK_DEALER);

    slk_version(&major, &minor, &patch);
    if (major != SLK_VERSION_MAJOR || minor != SLK_VERSION_MINOR || patch != SLK_VERSION_PATCH)
        return fail("the header and the library have different versions");
    if (slk_setsockopt(router, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        slk_setsockopt(dealer, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0)
        return fail("SLK_RCVTIMEO");
    if (slk_bind(router, "tcp://127.0.0.1:*") != 0 ||
        slk_getsockopt(router, SLK_LAST_ENDPOINT, endpoint, &length) != 0)
        return fail("slk_bind");
    if (slk_connect(dealer, endpoint) != 0 || slk_send(dealer, "ping", 4, 0) != 4)
        return fail("slk_send");
    size = slk_recv(router, peer, sizeof peer, 0);
    if (size < 1 || slk_recv(router, text, sizeof text, 0) != 4 || memcmp(text, "ping", 4) != 0)
        return fail("the request");
    if (slk_send_to(router, peer, (size_t)size, "pong", 4, 0) != 4 ||
        slk_recv(dealer, text, sizeof text, 0) != 4 || memcmp(text, "pong", 4) != 0)
        return fail("the reply");
    if (slk_bind(router, "nothing") != -1 || slk_errno() != SLK_EINVAL)
        return fail("an endpoint that is none was bound");
    if (slk_close(router) != 0 || slk_close(dealer) != 0)
        return fail("slk_close");
    slk_ctx_destroy(ctx);
    printf("serverlink %d.%d.%d: a request and its reply from C\n", major, minor, patch);
    return 0;
}
