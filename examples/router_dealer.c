/* SPDX-License-Identifier: MPL-2.0 */
/* A DEALER sends a request, and the ROUTER that it is connected to replies. */
#include <serverlink/serverlink.h>

#include <stdio.h>

/* Prints a frame; slk_recv() returns its whole size, also where the buffer is smaller. */
static void print(const char* who, const char* text, int size, int room)
{
    printf("%s received %.*s\n", who, size < room ? size : room, text);
}

/* Returns 0, or -1, and slk_errno() has the reason. */
static int exchange(slk_socket_t* router, slk_socket_t* dealer)
{
    char endpoint[256], peer[255], text[64];
    size_t length = sizeof endpoint;
    const int timeout = 5000; /* ms that a receive may wait */
    int peer_size, size;

    if (slk_setsockopt(router, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        slk_setsockopt(dealer, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        slk_bind(router, "tcp://127.0.0.1:*") != 0 || /* any free port */
        slk_getsockopt(router, SLK_LAST_ENDPOINT, endpoint, &length) != 0 ||
        slk_connect(dealer, endpoint) != 0) /* returns at once; the other side may come later */
        return -1;

    if (slk_send(dealer, "a request", 9, 0) < 0) /* is queued until there is a connection */
        return -1;
    peer_size = slk_recv(router, peer, sizeof peer, 0); /* the first frame names the peer */
    if (peer_size < 0 || (size = slk_recv(router, text, sizeof text, 0)) < 0)
        return -1;
    print("ROUTER", text, size, sizeof text);

    if (slk_send_to(router, peer, (size_t)peer_size, "a reply", 7, 0) < 0 ||
        (size = slk_recv(dealer, text, sizeof text, 0)) < 0)
        return -1;
    print("DEALER", text, size, sizeof text);
    return 0;
}

int main(void)
{
    slk_ctx_t* const ctx = slk_ctx_new();
    slk_socket_t* const router = slk_socket(ctx, SLK_ROUTER);
    slk_socket_t* const dealer = slk_socket(ctx, SLK_DEALER);
    const int done = exchange(router, dealer); /* a socket that is NULL is an error there */
    if (done != 0)
        fprintf(stderr, "error %d: %s\n", slk_errno(), slk_strerror(slk_errno()));
    slk_ctx_destroy(ctx); /* closes the sockets */
    return done != 0;
}
