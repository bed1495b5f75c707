/* SPDX-License-Identifier: MPL-2.0 */
#include "harness.h"

#include <serverlink/serverlink.h>

int test_errno(void)
{
    return slk_errno();
}

/* A socket whose calls fail with a number that is not SLK_EINVAL. */
void test_other_errno(int number)
{
    slk_ctx_t* ctx;
    slk_socket_t* socket;
    const int no_threads = 0;
    if (slk_errno() != number)
        return;
    if (number != SLK_EINVAL) {
        slk_close(NULL);
        return;
    }
    ctx = slk_ctx_new();
    slk_ctx_set(ctx, SLK_IO_THREADS, &no_threads, sizeof no_threads);
    socket = slk_socket(ctx, SLK_PAIR);
    slk_recv(socket, NULL, 0, SLK_DONTWAIT);
    slk_close(socket);
    slk_ctx_destroy(ctx);
}
