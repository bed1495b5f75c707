/* SPDX-License-Identifier: MPL-2.0 */
/* Publishes until the subscriber has what it has subscribed to. */
#include <serverlink/serverlink.h>

#include <stdio.h>
#include <string.h>

/* Sends a message of two frames: the topic, and what there is to say about it. */
static int publish(slk_socket_t* xpub, const char* topic, const char* text)
{
    if (slk_send(xpub, topic, strlen(topic), SLK_SNDMORE) < 0)
        return -1;
    return slk_send(xpub, text, strlen(text), 0);
}

/* Returns 0, or -1, and slk_errno() has the reason. */
static int tell_the_news(slk_socket_t* xpub, slk_socket_t* sub)
{
    char endpoint[256], topic[64], text[64];
    size_t length = sizeof endpoint;
    const int timeout = 5000; /* ms that a receive may wait */
    int topic_size, size;

    if (slk_setsockopt(xpub, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        slk_setsockopt(sub, SLK_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        slk_setsockopt(sub, SLK_SUBSCRIBE, "weather.", 8) != 0 || /* topics that begin with it */
        slk_setsockopt(sub, SLK_PSUBSCRIBE, "*.today", 7) != 0 || /* and those that match it */
        slk_bind(xpub, "tcp://127.0.0.1:*") != 0 ||
        slk_getsockopt(xpub, SLK_LAST_ENDPOINT, endpoint, &length) != 0 ||
        slk_connect(sub, endpoint) != 0)
        return -1;

    /* What is published before a subscription has arrived is not for it. A PUB does not know; an
       XPUB receives each of them: a byte 1, and the topic. A pattern subscribes to everything, and
       the SUB takes what matches. */
    do {
        size = slk_recv(xpub, topic, sizeof topic, 0);
        if (size < 0)
            return -1;
    } while (size != 1 || topic[0] != 1);

    if (publish(xpub, "sports.tomorrow", "is for nobody") < 0 ||
        publish(xpub, "weather.tomorrow", "rain") < 0 || publish(xpub, "sports.today", "1:0") < 0)
        return -1;
    do {
        if ((topic_size = slk_recv(sub, topic, sizeof topic, 0)) < 0 ||
            (size = slk_recv(sub, text, sizeof text, 0)) < 0)
            return -1;
        printf("%.*s: %.*s\n", topic_size, topic, size, text);
    } while (memcmp(topic, "sports.", 7) != 0);
    return 0;
}

int main(void)
{
    slk_ctx_t* const ctx = slk_ctx_new();
    slk_socket_t* const xpub = slk_socket(ctx, SLK_XPUB);
    slk_socket_t* const sub = slk_socket(ctx, SLK_SUB);
    const int done = tell_the_news(xpub, sub);
    if (done != 0)
        fprintf(stderr, "error %d: %s\n", slk_errno(), slk_strerror(slk_errno()));
    slk_ctx_destroy(ctx);
    return done != 0;
}
