/* SPDX-License-Identifier: MPL-2.0 */

/* The channels of a context, and their subscribers. */

#include "frames.h"

#include <stdlib.h>

static size_t channels_of(slk_ctx_t* ctx, const char* pattern, const char* expected)
{
    char** channels = NULL;
    size_t count = 99;
    size_t i, matching = 0;
    CHECK_INT(slk_pubsub_channels(ctx, pattern, &channels, &count), 0);
    for (i = 0; i < count; ++i) {
        REQUIRE(channels != NULL && channels[i] != NULL);
        matching += expected == NULL || strcmp(channels[i], expected) == 0;
    }
    slk_pubsub_channels_free(channels, count);
    CHECK(expected == NULL || matching == 1);
    return count;
}

static size_t subscribers_of(slk_ctx_t* ctx, const char* channel)
{
    size_t count = 99;
    CHECK_INT(slk_pubsub_numsub(ctx, &channel, 1, &count), 0);
    return count;
}

static void there_are_none_at_first(void)
{
    slk_ctx_t* ctx = new_context();
    char** channels = NULL;
    size_t count = 99;
    CHECK_INT(slk_pubsub_channels(ctx, NULL, &channels, &count), 0);
    CHECK_INT(count, 0);
    slk_pubsub_channels_free(channels, count);
    slk_pubsub_channels_free(NULL, 0);
    CHECK_INT(subscribers_of(ctx, "a"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 0);
    slk_ctx_destroy(ctx);
}

static void arguments_are_needed(void)
{
    slk_ctx_t* ctx = new_context();
    const char* one = "a";
    const char* none = NULL;
    char** channels = NULL;
    size_t count = 0;
    CHECK_FAILS(slk_pubsub_channels(NULL, "*", &channels, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_channels(ctx, "*", NULL, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_channels(ctx, "*", &channels, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_numsub(NULL, &one, 1, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_numsub(ctx, NULL, 1, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_numsub(ctx, &one, 1, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_numsub(ctx, &none, 1, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_numpat(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_channels(ctx, "[a", &channels, &count), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void they_come_and_go(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_ctx_t* other_ctx = new_context();
        slk_socket_t* pub = open_socket(ctx, SLK_PUB);
        slk_socket_t* one = open_socket(ctx, SLK_SUB);
        slk_socket_t* two = open_socket(ctx, SLK_SUB);
        const char* asked[] = {"news.a", "nothing", "news.b", "news"};
        size_t counts[5] = {99, 99, 99, 99, 99};
        endpoint_text endpoint;
        bind_to(pub, kind, endpoint);
        connect_to(one, endpoint);
        connect_to(two, endpoint);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, "news.a"), 0);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, "news.b"), 0);
        CHECK_INT(set_text(two, SLK_SUBSCRIBE, "news.b"), 0);
        CHECK_INT(set_text(two, SLK_SUBSCRIBE, "weather"), 0);
        CHECK(until_topics(pub, 3));
        REQUIRE_UNTIL(subscribers_of(ctx, "news.b") == 2 && subscribers_of(ctx, "weather") == 1,
                      patience_ms);
        CHECK_INT(channels_of(ctx, NULL, "news.a"), 3);
        CHECK_INT(channels_of(ctx, "", "news.b"), 3);
        CHECK_INT(channels_of(ctx, "*", "weather"), 3);
        CHECK_INT(channels_of(ctx, "news.*", "news.a"), 2);
        CHECK_INT(channels_of(ctx, "news.[b-z]", "news.b"), 1);
        CHECK_INT(channels_of(ctx, "weather", "weather"), 1);
        CHECK_INT(channels_of(ctx, "weathe?", "weather"), 1);
        CHECK_INT(channels_of(ctx, "weathe", NULL), 0);
        CHECK_INT(channels_of(other_ctx, NULL, NULL), 0);
        CHECK_INT(slk_pubsub_numsub(ctx, asked, 4, counts), 0);
        CHECK_INT(counts[0], 1);
        CHECK_INT(counts[1], 0);
        CHECK_INT(counts[2], 2);
        CHECK_INT(counts[3], 0);
        CHECK_INT(counts[4], 99);
        CHECK_INT(set_text(one, SLK_UNSUBSCRIBE, "news.b"), 0);
        CHECK_INT(set_text(one, SLK_UNSUBSCRIBE, "news.a"), 0);
        CHECK(until_topics(pub, 2));
        REQUIRE_UNTIL(subscribers_of(ctx, "news.b") == 1, patience_ms);
        CHECK_INT(channels_of(ctx, "news.a", NULL), 0);
        /* A disconnect is an end, too. */
        close_socket(two);
        CHECK(until_topics(pub, 0));
        CHECK_INT(subscribers_of(ctx, "news.b"), 0);
        CHECK_INT(channels_of(ctx, NULL, NULL), 0);
        slk_ctx_destroy(ctx);
        slk_ctx_destroy(other_ctx);
    }
}

static void all_publishers_of_a_context_count(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    join(pub, sub, transport_inproc);
    join(xpub, sub, transport_inproc);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK(receives(xpub, "\1a"));
    CHECK(until_topics(pub, 1));
    /* A channel is listed once, and each connection counts. */
    CHECK_INT(channels_of(ctx, NULL, "a"), 1);
    CHECK_INT(subscribers_of(ctx, "a"), 2);
    close_socket(pub);
    REQUIRE_UNTIL(subscribers_of(ctx, "a") == 1, patience_ms);
    close_socket(xpub);
    REQUIRE_UNTIL(subscribers_of(ctx, "a") == 0, patience_ms);
    CHECK_INT(channels_of(ctx, NULL, NULL), 0);
    slk_ctx_destroy(ctx);
}

static void patterns_are_counted(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    slk_socket_t* other = open_socket(ctx, SLK_SUB);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 1);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "b*"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 2);
    CHECK_INT(set_text(other, SLK_PSUBSCRIBE, "c?"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 3);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 3);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK_INT(slk_pubsub_numpat(ctx), 2);
    close_socket(other);
    CHECK_INT(slk_pubsub_numpat(ctx), 1);
    slk_ctx_destroy(ctx);
}

CASES(pubsub_counts) = {
    {"a context has no channels at first", there_are_none_at_first},
    {"the functions of channels check their arguments", arguments_are_needed},
    {"channels and their subscribers come and go", they_come_and_go},
    {"all publishers of a context count", all_publishers_of_a_context_count},
    {"patterns are counted", patterns_are_counted},
    END_OF_CASES,
};
