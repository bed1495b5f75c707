/* SPDX-License-Identifier: MPL-2.0 */
/* A message over inproc, by the C API. */
#include <serverlink/serverlink.h>

#include <stdio.h>

int main(void)
{
    char text[16];
    int size = -1;
    slk_ctx_t* const ctx = slk_ctx_new();
    slk_socket_t* const pull = slk_socket(ctx, SLK_PULL);
    slk_socket_t* const push = slk_socket(ctx, SLK_PUSH);
    if (slk_bind(pull, "inproc://hello") == 0 && slk_connect(push, "inproc://hello") == 0 &&
        slk_send(push, "hello", 5, 0) == 5)
        size = slk_recv(pull, text, sizeof text, 0);
    if (size == 5)
        printf("%.*s from C\n", size, text);
    slk_ctx_destroy(ctx);
    return size == 5 ? 0 : 1;
}
