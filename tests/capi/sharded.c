/* SPDX-License-Identifier: MPL-2.0 */

/* Sharded publishing. */

#include "frames.h"

#include <stdio.h>

static void it_is_made_and_destroyed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards;
    static const int good[] = {1, 2, 7, 1024};
    static const int bad[] = {0, -1, 1025, 2147483647};
    size_t i;
    for (i = 0; i < sizeof good / sizeof *good; ++i) {
        shards = slk_sharded_pubsub_new(ctx, good[i]);
        REQUIRE(shards != NULL || (good[i] == 1024 && slk_errno() == sys_emfile));
        if (shards != NULL)
            CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
        CHECK(shards == NULL);
    }
    for (i = 0; i < sizeof bad / sizeof *bad; ++i)
        CHECK_NULL(slk_sharded_pubsub_new(ctx, bad[i]), SLK_EINVAL);
    CHECK_NULL(slk_sharded_pubsub_new(NULL, 4), SLK_EINVAL);
    CHECK_FAILS(slk_sharded_pubsub_destroy(NULL), SLK_EINVAL);
    slk_sharded_pubsub_destroy(&shards);
    slk_ctx_destroy(ctx);
}

static void as_many_shards_as_promised(void)
{
    slk_ctx_t* ctx = new_context();
    const int sockets = 2000;
    slk_sharded_pubsub_t* shards;
    slk_socket_t* sub;
    REQUIRE_INT(slk_ctx_set(ctx, SLK_MAX_SOCKETS, &sockets, sizeof sockets), 0);
    shards = slk_sharded_pubsub_new(ctx, 1024);
    REQUIRE(shards != NULL);
    sub = open_socket(ctx, SLK_SUB);
    CHECK_INT(slk_ssubscribe(shards, sub, "a"), 0);
    CHECK_INT(slk_spublish(shards, "a", "1", 1), 1);
    CHECK(receives(sub, "a|1"));
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

static void arguments_are_needed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards = slk_sharded_pubsub_new(ctx, 4);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    REQUIRE(shards != NULL);
    CHECK_FAILS(slk_spublish(NULL, "a", "1", 1), SLK_EINVAL);
    CHECK_FAILS(slk_spublish(shards, NULL, "1", 1), SLK_EINVAL);
    CHECK_FAILS(slk_spublish(shards, "", "1", 1), SLK_EINVAL);
    CHECK_FAILS(slk_spublish(shards, "a", NULL, 1), SLK_EINVAL);
    CHECK_INT(slk_spublish(shards, "a", NULL, 0), 0);
    CHECK_FAILS(slk_ssubscribe(NULL, sub, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_ssubscribe(shards, NULL, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_ssubscribe(shards, sub, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_ssubscribe(shards, sub, ""), SLK_EINVAL);
    CHECK_FAILS(slk_sunsubscribe(NULL, sub, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_sunsubscribe(shards, NULL, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_sunsubscribe(shards, sub, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_sunsubscribe(shards, sub, ""), SLK_EINVAL);
    CHECK_FAILS(slk_sharded_pubsub_set_hwm(NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_sharded_pubsub_set_hwm(shards, -1), SLK_EINVAL);
    CHECK_INT(slk_sharded_pubsub_set_hwm(shards, 0), 0);
    CHECK_INT(slk_sharded_pubsub_set_hwm(shards, 5), 0);
    /* A socket that cannot subscribe. */
    CHECK_INT(slk_ssubscribe(shards, open_socket(ctx, SLK_PUB), "a"), -1);
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

static void subscribers_have_their_channels(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards = slk_sharded_pubsub_new(ctx, 5);
    slk_socket_t* one = open_socket(ctx, SLK_SUB);
    slk_socket_t* two = open_socket(ctx, SLK_SUB);
    char channel[16], text[24];
    int i;
    REQUIRE(shards != NULL);
    for (i = 0; i < 40; ++i) {
        snprintf(channel, sizeof channel, "channel%02d", i);
        CHECK_INT(slk_ssubscribe(shards, i % 2 ? one : two, channel), 0);
    }
    CHECK_INT(slk_ssubscribe(shards, one, "channel00"), 0);
    for (i = 0; i < 40; ++i) {
        snprintf(channel, sizeof channel, "channel%02d", i);
        CHECK_INT(slk_spublish(shards, channel, "da\0ta", 5), 5);
        snprintf(text, sizeof text, "%s|da~ta", channel);
        CHECK(receives(i % 2 ? one : two, text));
        if (i == 0)
            CHECK(receives(one, text));
    }
    CHECK_INT(slk_spublish(shards, "nobody", "x", 1), 1);
    CHECK_INT(slk_spublish(shards, "channel01", "", 0), 0);
    CHECK(receives(one, "channel01|"));
    CHECK_INT(slk_sunsubscribe(shards, one, "channel01"), 0);
    CHECK_INT(slk_spublish(shards, "channel01", "x", 1), 1);
    CHECK_INT(slk_spublish(shards, "channel03", "y", 1), 1);
    CHECK(receives(one, "channel03|y"));
    CHECK(receives_nothing(one));
    CHECK(receives_nothing(two));
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

static void instances_do_not_mix(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* first = slk_sharded_pubsub_new(ctx, 3);
    slk_sharded_pubsub_t* second = slk_sharded_pubsub_new(ctx, 3);
    slk_socket_t* one = open_socket(ctx, SLK_SUB);
    slk_socket_t* two = open_socket(ctx, SLK_SUB);
    REQUIRE(first != NULL && second != NULL);
    CHECK_INT(slk_ssubscribe(first, one, "a"), 0);
    CHECK_INT(slk_ssubscribe(second, two, "a"), 0);
    CHECK_INT(slk_spublish(first, "a", "1", 1), 1);
    CHECK_INT(slk_spublish(second, "a", "2", 1), 1);
    CHECK(receives(one, "a|1"));
    CHECK(receives(two, "a|2"));
    CHECK(receives_nothing(one));
    CHECK(receives_nothing(two));
    CHECK_INT(slk_sharded_pubsub_destroy(&first), 0);
    CHECK_INT(slk_spublish(second, "a", "3", 1), 1);
    CHECK(receives(two, "a|3"));
    CHECK_INT(slk_sharded_pubsub_destroy(&second), 0);
    slk_ctx_destroy(ctx);
}

/*
 * What one shard gets follows its order: with one of two shards held up by a small mark, the other
 * one goes on. The slots of these names are known: CRC16-XMODEM modulo 16384.
 */
static int slot_of(const char* text, size_t size)
{
    unsigned crc = 0;
    size_t i;
    int bit;
    for (i = 0; i < size; ++i) {
        crc ^= (unsigned)(unsigned char)text[i] << 8;
        for (bit = 0; bit < 8; ++bit)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return (int)(crc % 16384);
}

static void channels_are_spread_by_their_slot(void)
{
    /* Each name and the part of it that is hashed. */
    static const char* const names[][2] = {
        {"123456789", "123456789"}, {"{user}.a", "user"}, {"b.{user}.c", "user"}, {"{}x", "{}x"},
        {"{user", "{user"},         {"{{a}}", "{a"},      {"{a}{b}", "a"},        {"}{a}", "a"},
        {"x{}{a}", "x{}{a}"},
    };
    enum { shard_count = 64, name_count = sizeof names / sizeof *names };
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards = slk_sharded_pubsub_new(ctx, shard_count);
    size_t i, j;
    REQUIRE(shards != NULL);
    REQUIRE_INT(slot_of("123456789", 9), 0x31c3);
    /*
     * A SUB connects to the shard of its channel alone. So it gets the messages of another channel
     * that begins with its own if and only if both are in the same shard.
     */
    for (i = 0; i < name_count; ++i)
        for (j = 0; j < 40; ++j) {
            slk_socket_t* sub = open_socket(ctx, SLK_SUB);
            char longer[32], got[64];
            const char* hashed = names[i][1];
            int same, came;
            snprintf(longer, sizeof longer, "%s%c", names[i][0], (char)('A' + j));
            /* What is hashed of the longer one: the braces, or all of it. */
            same = strcmp(hashed, names[i][0]) != 0 ||
                   slot_of(hashed, strlen(hashed)) % shard_count ==
                       slot_of(longer, strlen(longer)) % shard_count;
            CHECK_INT(slk_ssubscribe(shards, sub, names[i][0]), 0);
            CHECK_INT(slk_spublish(shards, longer, "1", 1), 1);
            CHECK_INT(slk_spublish(shards, names[i][0], "2", 1), 1);
            CHECK(next_message(sub, got, sizeof got, patience_ms));
            came = strlen(got) == strlen(longer) + 2;
            if (came != same)
                fprintf(stderr, "channels '%s' and '%s'\n", names[i][0], longer);
            CHECK_INT(came, same);
            close_socket(sub);
        }
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

struct publisher {
    slk_sharded_pubsub_t* shards;
    char channel[16];
};

enum { messages_each = REPEATS(300), publishers = 6 };

static void publish(void* argument)
{
    struct publisher* of = argument;
    int i;
    for (i = 0; i < messages_each; ++i)
        CHECK_INT(slk_spublish(of->shards, of->channel, &i, sizeof i), sizeof i);
}

static void threads_publish_together(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards = slk_sharded_pubsub_new(ctx, 3);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    struct publisher all[publishers];
    test_thread* threads[publishers];
    int next[publishers] = {0};
    int i, j;
    REQUIRE(shards != NULL);
    set_int(sub, SLK_RCVHWM, 0);
    CHECK_INT(slk_sharded_pubsub_set_hwm(shards, 0), 0);
    for (i = 0; i < publishers; ++i) {
        all[i].shards = shards;
        snprintf(all[i].channel, sizeof all[i].channel, "%d", i);
        CHECK_INT(slk_ssubscribe(shards, sub, all[i].channel), 0);
    }
    for (i = 0; i < publishers; ++i)
        threads[i] = thread_start(publish, &all[i]);
    for (j = 0; j < publishers * messages_each; ++j) {
        char channel[4] = "";
        int value = -1;
        REQUIRE_INT(recv_within(sub, channel, sizeof channel, patience_ms), 1);
        REQUIRE_INT(recv_within(sub, &value, sizeof value, patience_ms), sizeof value);
        i = channel[0] - '0';
        REQUIRE(i >= 0 && i < publishers);
        REQUIRE_INT(value, next[i]++);
    }
    for (i = 0; i < publishers; ++i)
        thread_join(threads[i]);
    CHECK(receives_nothing(sub));
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

static void a_mark_drops_and_does_not_wait(void)
{
    slk_ctx_t* ctx = new_context();
    slk_sharded_pubsub_t* shards = slk_sharded_pubsub_new(ctx, 1);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int i, got = 0;
    REQUIRE(shards != NULL);
    CHECK_INT(slk_sharded_pubsub_set_hwm(shards, 10), 0);
    set_int(sub, SLK_RCVHWM, 5);
    CHECK_INT(slk_ssubscribe(shards, sub, "a"), 0);
    for (i = 0; i < 200; ++i)
        CHECK_INT(slk_spublish(shards, "a", &i, sizeof i), sizeof i);
    while (recv_within(sub, NULL, 0, 20) == 1) {
        CHECK_INT(recv_within(sub, &i, sizeof i, 20), sizeof i);
        ++got;
    }
    CHECK_BETWEEN(got, 10, 15);
    CHECK_INT(slk_sharded_pubsub_destroy(&shards), 0);
    slk_ctx_destroy(ctx);
}

CASES(sharded) = {
    {"a sharded publisher has 1 to 1024 shards", it_is_made_and_destroyed},
    {"a sharded publisher with 1024 shards", as_many_shards_as_promised},
    {"sharded publishing checks its arguments", arguments_are_needed},
    {"subscribers have the channels that they asked for", subscribers_have_their_channels},
    {"several sharded publishers do not mix", instances_do_not_mix},
    {"channels are spread by their slot", channels_are_spread_by_their_slot},
    {"threads publish together", threads_publish_together},
    {"a mark drops messages, and publishing never waits", a_mark_drops_and_does_not_wait},
    END_OF_CASES,
};
