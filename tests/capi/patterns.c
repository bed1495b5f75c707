/* SPDX-License-Identifier: MPL-2.0 */

/* Patterns of a SUB: what they match, and how they appear upstream. */

#include "frames.h"

#include <stdio.h>

struct row {
    const char* pattern;
    const char* text;
    int matches;
};

/* ~ is a byte 0. */
static const struct row rows[] = {
    {"", "", 1},
    {"", "a", 0},
    {"a", "a", 1},
    {"a", "ab", 0},
    {"a", "", 0},
    {"a", "ba", 0},
    {"*", "", 1},
    {"*", "anything/at.all", 1},
    {"**", "a", 1},
    {"a*", "a", 1},
    {"a*", "abc", 1},
    {"a*", "ba", 0},
    {"*a", "a", 1},
    {"*a", "bca", 1},
    {"*a", "ab", 0},
    {"a*b", "ab", 1},
    {"a*b", "axxb", 1},
    {"a*b", "axbx", 0},
    {"a*b", "axbxb", 1},
    {"*a*b*c*", "--a--b--c--", 1},
    {"*a*b*c*", "--a--c--b--", 0},
    {"?", "a", 1},
    {"?", "", 0},
    {"?", "ab", 0},
    {"?", "~", 1},
    {"a?c", "abc", 1},
    {"a?c", "ac", 0},
    {"??*", "a", 0},
    {"??*", "ab", 1},
    {"*?", "", 0},
    {"*?", "abc", 1},
    {"[abc]", "b", 1},
    {"[abc]", "d", 0},
    {"[abc]", "", 0},
    {"[abc]", "ab", 0},
    {"[a-z]", "a", 1},
    {"[a-z]", "m", 1},
    {"[a-z]", "z", 1},
    {"[a-z]", "A", 0},
    {"[a-z]", "`", 0},
    {"[a-z]", "{", 0},
    {"[a-zA-Z]", "Q", 1},
    {"[a-zA-Z]", "q", 1},
    {"[a-zA-Z]", "5", 0},
    {"[a-zA-Z0-9_]", "_", 1},
    {"[a-a]", "a", 1},
    {"[a-a]", "b", 0},
    {"[^abc]", "d", 1},
    {"[^abc]", "a", 0},
    {"[^abc]", "", 0},
    {"[!abc]", "d", 1},
    {"[!abc]", "c", 0},
    {"[^a-z]x", "Ax", 1},
    {"[^a-z]x", "ax", 0},
    {"[!a-z]", "~", 1},
    {"a[!b]", "a!", 1},
    {"[a^]", "^", 1},
    {"[a!]", "!", 1},
    {"news.[a-c]?.*", "news.b1.x", 1},
    {"news.[a-c]?.*", "news.d1.x", 0},
    {"news.[a-c]?.*", "news.b.x", 0},
    {"[*]", "*", 1},
    {"[*]", "a", 0},
    {"[?]", "?", 1},
    {"[?]", "a", 0},
    {"\\*", "*", 1},
    {"\\*", "a", 0},
    {"\\?", "?", 1},
    {"\\?", "a", 0},
    {"\\[a]", "[a]", 1},
    {"\\[a]", "a", 0},
    {"\\\\", "\\", 1},
    {"\\a", "a", 1},
    {"a\\*b", "a*b", 1},
    {"a\\*b", "axb", 0},
    {"a.b", "axb", 0},
    {"a+", "aa", 0},
    {"(a)", "a", 0},
    {"{a,b}", "a", 0},
    {"^a$", "a", 0},
    {"a~b", "a~b", 1},
    {"a~b", "a", 0},
    {"a*", "a~b", 1},
    {"\xff*", "\xff\xfe", 1},
    {"[\x80-\xff]", "\xc3", 1},
    {"[\x80-\xff]", "a", 0},
    {"?", "\xff", 1},
    {"a]", "a]", 1},
    {"]", "]", 1},
    {"A*", "abc", 0},
};

static void a_pattern_matches_the_whole_first_frame(void)
{
    slk_socket_t *pub, *sub;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PUB, &pub, SLK_SUB, &sub);
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const struct row* row = &rows[i];
        char got[64], message[64];
        int came;
        CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, row->pattern), 0);
        snprintf(message, sizeof message, "%s|second", row->text);
        CHECK(sends(pub, message));
        came = next_message(sub, got, sizeof got, 0);
        if (came != row->matches)
            fprintf(stderr, "pattern '%s', text '%s'\n", row->pattern, row->text);
        CHECK_INT(came, row->matches);
        if (came)
            CHECK_TEXT(got, message);
        CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, row->pattern), 0);
        CHECK(sends(pub, message));
        CHECK(receives_nothing(sub));
    }
    slk_ctx_destroy(ctx);
}

static void malformed_patterns_are_refused(void)
{
    static const char* const malformed[] = {
        "[", "[a", "[abc", "a[", "*[a-", "[a-z", "[^", "[!", "[^a", "[z-a]", "[a-cz-y]", "[^9-0]",
    };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
    size_t i;
    for (i = 0; i < sizeof malformed / sizeof *malformed; ++i) {
        CHECK_FAILS(set_text(sub, SLK_PSUBSCRIBE, malformed[i]), SLK_EINVAL);
        CHECK_FAILS(set_text(xsub, SLK_PSUBSCRIBE, malformed[i]), SLK_EINVAL);
    }
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 0);
    slk_ctx_destroy(ctx);
}

static void options_of_patterns_check_their_arguments(void)
{
    static const int others[] = {SLK_PAIR,   SLK_PUB,  SLK_REQ,  SLK_REP, SLK_DEALER,
                                 SLK_ROUTER, SLK_PULL, SLK_PUSH, SLK_XPUB};
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    char value[8];
    size_t size = sizeof value;
    size_t i;
    CHECK_FAILS(slk_setsockopt(sub, SLK_PSUBSCRIBE, NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(sub, SLK_PUNSUBSCRIBE, NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(sub, SLK_PSUBSCRIBE, NULL, 0), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(sub, SLK_SUBSCRIBE, NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(sub, SLK_UNSUBSCRIBE, NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(sub, SLK_PSUBSCRIBE, value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(sub, SLK_PUNSUBSCRIBE, value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(sub, SLK_SUBSCRIBE, value, &size), SLK_EINVAL);
    for (i = 0; i < sizeof others / sizeof *others; ++i) {
        slk_socket_t* socket = open_socket(ctx, others[i]);
        CHECK_FAILS(set_text(socket, SLK_PSUBSCRIBE, "a*"), SLK_EINVAL);
        CHECK_FAILS(set_text(socket, SLK_PUNSUBSCRIBE, "a*"), SLK_EINVAL);
        CHECK_FAILS(set_text(socket, SLK_SUBSCRIBE, "a"), SLK_EINVAL);
        CHECK_FAILS(set_text(socket, SLK_UNSUBSCRIBE, "a"), SLK_EINVAL);
    }
    slk_ctx_destroy(ctx);
}

static void identical_patterns_are_counted(void)
{
    slk_socket_t *pub, *sub;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PUB, &pub, SLK_SUB, &sub);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK(sends(pub, "a1"));
    CHECK(receives_now(sub, "a1"));
    CHECK(receives_nothing(sub));
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK(sends(pub, "a2"));
    CHECK(receives_now(sub, "a2"));
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK(sends(pub, "a3"));
    CHECK(receives_nothing(sub));
    /* One too many does nothing. */
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "never"), 0);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK(sends(pub, "a4"));
    CHECK(receives_now(sub, "a4"));
    slk_ctx_destroy(ctx);
}

static void upstream_of(int type, transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* sub = open_socket(ctx, type);
    set_int(xpub, SLK_XPUB_VERBOSER, 1);
    join(xpub, sub, kind);
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 0);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK(receives(xpub, "\1"));
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 1);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "b?"), 0);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 1);
    CHECK_INT(get_int(xpub, SLK_TOPICS_COUNT), 1);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "b?"), 0);
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 1);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "a*"), 0);
    CHECK(receives(xpub, "~"));
    CHECK(receives_nothing(xpub));
    CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 0);
    CHECK(until_topics(xpub, 0));
    slk_ctx_destroy(ctx);
}

static void upstream_patterns_are_one_empty_topic(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        upstream_of(SLK_SUB, kind);
        upstream_of(SLK_XSUB, kind);
    }
}

static void patterns_and_beginnings_go_together(void)
{
    slk_socket_t *pub, *sub;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PUB, &pub, SLK_SUB, &sub);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "*.log"), 0);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK(sends(pub, "x.log"));
    CHECK(sends(pub, "x.txt"));
    CHECK(sends(pub, "a.txt"));
    CHECK(sends(pub, "a.log"));
    CHECK(receives_now(sub, "x.log"));
    CHECK(receives_now(sub, "a.txt"));
    CHECK(receives_now(sub, "a.log"));
    CHECK(receives_nothing(sub));
    /* A subscription to everything, and its end, leave the pattern as it is. */
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, ""), 0);
    CHECK(sends(pub, "x.txt"));
    CHECK(receives_now(sub, "x.txt"));
    CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, ""), 0);
    CHECK(sends(pub, "y.txt"));
    CHECK(sends(pub, "y.log"));
    CHECK(receives_now(sub, "y.log"));
    CHECK(receives_nothing(sub));
    /* And the other way round. */
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, ""), 0);
    CHECK_INT(set_text(sub, SLK_PUNSUBSCRIBE, "*.log"), 0);
    CHECK(sends(pub, "z"));
    CHECK(receives_now(sub, "z"));
    slk_ctx_destroy(ctx);
}

static void patterns_outlast_a_connection(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    endpoint_text endpoint;
    set_int(sub, SLK_RECONNECT_IVL, 10);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a?"), 0);
    bind_to(pub, transport_tcp, endpoint);
    connect_to(sub, endpoint);
    CHECK(until_topics(pub, 1));
    close_socket(pub);
    pub = open_socket(ctx, SLK_PUB);
    REQUIRE_UNTIL(slk_bind(pub, endpoint) == 0, 1000);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "abc"));
    CHECK(sends(pub, "ab"));
    CHECK(receives(sub, "ab"));
    slk_ctx_destroy(ctx);
}

static void a_hard_pattern_is_quick(void)
{
    slk_socket_t *pub, *sub;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PUB, &pub, SLK_SUB, &sub);
    char text[5001];
    double begin;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "*a*a*a*a*a*a*a*a*a*a*a*a*b"), 0);
    begin = now_ms();
    CHECK(sends(pub, text));
    CHECK(receives_nothing(sub));
    CHECK_BETWEEN(now_ms() - begin, 0, 2000);
    slk_ctx_destroy(ctx);
}

CASES(patterns) = {
    {"a pattern matches the whole first frame", a_pattern_matches_the_whole_first_frame},
    {"malformed patterns are refused", malformed_patterns_are_refused},
    {"the options of subscriptions check their arguments",
     options_of_patterns_check_their_arguments},
    {"identical patterns are counted", identical_patterns_are_counted},
    {"upstream, patterns are one subscription to the empty topic",
     upstream_patterns_are_one_empty_topic},
    {"patterns and beginnings go together", patterns_and_beginnings_go_together},
    {"patterns outlast a connection", patterns_outlast_a_connection},
    {"a pattern with many stars is quick", a_hard_pattern_is_quick},
    END_OF_CASES,
};
