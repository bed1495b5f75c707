/* SPDX-License-Identifier: MPL-2.0 */
/* Prints what happens at a socket that listens, while a peer comes and goes. */
#include <serverlink/serverlink.h>

#include <stdio.h>

static const char* name_of(int event)
{
    switch (event) {
    case SLK_EVENT_CONNECTED: return "connected";
    case SLK_EVENT_DISCONNECTED: return "disconnected";
    case SLK_EVENT_ACCEPTED: return "accepted";
    case SLK_EVENT_LISTENING: return "listening";
    case SLK_EVENT_CLOSED: return "closed";
    case SLK_EVENT_HANDSHAKE_START: return "handshake begins";
    case SLK_EVENT_HANDSHAKE_OK: return "handshake done";
    case SLK_EVENT_HANDSHAKE_FAIL: return "handshake failed";
    default: return "something else";
    }
}

struct seen {
    void* connected; /* counted by one thread, and read by another one */
    void* disconnected;
};

/* Runs on a thread of the library: it only counts and prints, and does not use the socket. */
static void note(slk_socket_t* socket, const slk_event_t* event, void* of)
{
    const struct seen* const seen = of;
    (void)socket;
    printf("%s %s %s\n", event->endpoint != NULL ? event->endpoint : "-", name_of(event->event),
           event->err != 0 ? slk_strerror(event->err) : "");
    if (event->event == SLK_EVENT_CONNECTED)
        slk_atomic_counter_inc(seen->connected);
    else if (event->event == SLK_EVENT_DISCONNECTED)
        slk_atomic_counter_inc(seen->disconnected);
}

/* Waits up to five seconds. */
static void wait_for(void* counter)
{
    int tries;
    for (tries = 0; tries < 5000 && slk_atomic_counter_value(counter) == 0; ++tries)
        slk_sleep(1);
}

/* Returns 0, or -1, and slk_errno() has the reason. */
static int come_and_go(slk_socket_t* pull, slk_socket_t* push, struct seen* seen)
{
    char endpoint[256];
    size_t length = sizeof endpoint;

    if (slk_socket_monitor(pull, note, seen, SLK_EVENT_ALL) != 0 ||
        slk_bind(pull, "tcp://127.0.0.1:*") != 0 ||
        slk_getsockopt(pull, SLK_LAST_ENDPOINT, endpoint, &length) != 0 ||
        slk_connect(push, endpoint) != 0)
        return -1;
    wait_for(seen->connected);
    if (slk_disconnect(push, endpoint) != 0)
        return -1;
    wait_for(seen->disconnected);
    return slk_socket_monitor(pull, NULL, NULL, 0); /* from here on it is not called */
}

int main(void)
{
    struct seen seen;
    slk_ctx_t* const ctx = slk_ctx_new();
    slk_socket_t* const pull = slk_socket(ctx, SLK_PULL);
    slk_socket_t* const push = slk_socket(ctx, SLK_PUSH);
    int done;
    seen.connected = slk_atomic_counter_new();
    seen.disconnected = slk_atomic_counter_new();
    done = come_and_go(pull, push, &seen);
    if (done != 0)
        fprintf(stderr, "error %d: %s\n", slk_errno(), slk_strerror(slk_errno()));
    if (slk_atomic_counter_value(seen.disconnected) != 1)
        done = -1;
    slk_ctx_destroy(ctx);
    slk_atomic_counter_destroy(&seen.connected);
    slk_atomic_counter_destroy(&seen.disconnected);
    return done != 0;
}
