/* SPDX-License-Identifier: MPL-2.0 */
/* One thread serves two sockets and a timer. */
#include <serverlink/serverlink.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct program {
    void* poller;
    void* timers;
    slk_socket_t* push[2];
    slk_socket_t* pull[2];
    int sent;
    int received;
};

/* The handler of the timer: sends to both in turn. */
static void send_next(int timer, void* of)
{
    struct program* const self = of;
    char text[32];
    (void)timer;
    sprintf(text, "message %d", self->sent);
    if (slk_send(self->push[self->sent % 2], text, strlen(text), SLK_DONTWAIT) >= 0)
        ++self->sent;
}

/* Returns 0, or -1: the functions of pollers and timers leave the reason in errno, all others in
   slk_errno(). */
static int prepare(struct program* self, slk_ctx_t* ctx)
{
    static const char* const endpoints[] = {"inproc://first", "inproc://second"};
    static const char* const names[] = {"first", "second"};
    int which;
    for (which = 0; which < 2; ++which) {
        self->pull[which] = slk_socket(ctx, SLK_PULL);
        self->push[which] = slk_socket(ctx, SLK_PUSH);
        if (slk_bind(self->pull[which], endpoints[which]) != 0 ||
            slk_connect(self->push[which], endpoints[which]) != 0)
            return -1;
        if (slk_poller_add(self->poller, self->pull[which], (void*)names[which], SLK_POLLIN) != 0)
            return -1;
    }
    return slk_timers_add(self->timers, 10, send_next, self) > 0 ? 0 : -1;
}

static int serve(struct program* self)
{
    slk_poller_event_t event;
    char text[32];
    int size;
    while (self->received < 6) {
        /* Until the timer is due, or something can be received. */
        if (slk_poller_wait(self->poller, &event, slk_timers_timeout(self->timers)) == 0) {
            size = slk_recv(event.socket, text, sizeof text, SLK_DONTWAIT);
            if (size < 0)
                return -1;
            printf("%s: %.*s\n", (const char*)event.user_data, size, text);
            ++self->received;
        } else if (errno != EAGAIN) {
            return -1;
        }
        if (slk_timers_execute(self->timers) != 0)
            return -1;
    }
    return 0;
}

int main(void)
{
    struct program self = {0};
    slk_ctx_t* const ctx = slk_ctx_new();
    int done;
    self.poller = slk_poller_new();
    self.timers = slk_timers_new();
    done = prepare(&self, ctx) == 0 ? serve(&self) : -1;
    if (done != 0)
        fprintf(stderr, "errno: %s; slk_errno: %s\n", strerror(errno), slk_strerror(slk_errno()));
    slk_timers_destroy(&self.timers);
    slk_poller_destroy(&self.poller); /* before its sockets */
    slk_ctx_destroy(ctx);
    return done != 0;
}
