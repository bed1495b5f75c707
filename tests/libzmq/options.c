/* SPDX-License-Identifier: MPL-2.0 */
/* The options of sockets, by a table of types, ranges and defaults. */
#include "facts.h"

#include <stdio.h>

typedef struct int_option {
    int option;
    int initial; /* of a DEALER */
    int low; /* the least value that may be set; the one below is EINVAL, unless `free` */
    int high; /* the greatest, 0: no limit but that of an int */
} int_option;

enum { no_limit = 0, any_value = -2147483647 };

static const int_option int_options[] = {
    {ZMQ_RATE, 100, 1, no_limit},
    {ZMQ_RECOVERY_IVL, 10000, 0, no_limit},
    {ZMQ_SNDBUF, -1, -1, no_limit},
    {ZMQ_RCVBUF, -1, -1, no_limit},
    {ZMQ_LINGER, -1, -1, no_limit},
    {ZMQ_RECONNECT_IVL, 100, -1, no_limit},
    {ZMQ_BACKLOG, 100, 0, no_limit},
    {ZMQ_RECONNECT_IVL_MAX, 0, 0, no_limit},
    {ZMQ_SNDHWM, 1000, 0, no_limit},
    {ZMQ_RCVHWM, 1000, 0, no_limit},
    {ZMQ_MULTICAST_HOPS, 1, 1, no_limit},
    {ZMQ_RCVTIMEO, -1, -1, no_limit},
    {ZMQ_SNDTIMEO, -1, -1, no_limit},
    {ZMQ_IPV4ONLY, 1, 0, 1},
    {ZMQ_TCP_KEEPALIVE, -1, -1, 1},
    {ZMQ_TCP_KEEPALIVE_CNT, -1, -1, no_limit},
    {ZMQ_TCP_KEEPALIVE_IDLE, -1, -1, no_limit},
    {ZMQ_TCP_KEEPALIVE_INTVL, -1, -1, no_limit},
    {ZMQ_IMMEDIATE, 0, 0, 1},
    {ZMQ_IPV6, 0, 0, 1},
    {ZMQ_CONFLATE, 0, 0, 1},
    {ZMQ_TOS, 0, 0, no_limit},
    {ZMQ_HANDSHAKE_IVL, 30000, 0, no_limit},
    {ZMQ_INVERT_MATCHING, 0, any_value, no_limit},
    {ZMQ_HEARTBEAT_IVL, 0, 0, no_limit},
    {ZMQ_HEARTBEAT_TIMEOUT, -1, 0, no_limit},
    {ZMQ_CONNECT_TIMEOUT, 0, 0, no_limit},
    {ZMQ_TCP_MAXRT, 0, 0, no_limit},
    {ZMQ_MULTICAST_MAXTPDU, 1500, 1, no_limit},
    {ZMQ_USE_FD, -1, -1, no_limit},
};
enum { int_option_count = sizeof int_options / sizeof *int_options };

static int set_status(void* socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static void check_int_at(const int_option* each, int passed, const char* what)
{
    char text[128];
    snprintf(text, sizeof text, "option %d: %s", each->option, what);
    test_check(__FILE__, __LINE__, text, passed, 0);
}

static void int_options_have_their_defaults(void)
{
    void* const context = zmq_ctx_new();
    void* const socket = open_socket(context, ZMQ_DEALER);
    int i;
    for (i = 0; i < int_option_count; ++i) {
        int value = -12345;
        size_t size = sizeof value;
        const int got = zmq_getsockopt(socket, int_options[i].option, &value, &size);
        check_int_at(&int_options[i], got == 0 && size == 4, "is read");
        check_int_at(&int_options[i], value == int_options[i].initial, "its default");
    }
    close_socket(socket);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void int_options_are_kept(void)
{
    void* const context = new_context();
    int i;
    for (i = 0; i < int_option_count; ++i) {
        void* const socket = open_socket(context, ZMQ_DEALER);
        const int_option* const each = &int_options[i];
        const int value = each->high == no_limit ? 7 : each->high;
        const int low = each->low == any_value ? -5 : each->low;
        int back = 0;
        size_t size = sizeof back;
        check_int_at(each, set_status(socket, each->option, value) == 0, "is set");
        check_int_at(each, zmq_getsockopt(socket, each->option, &back, &size) == 0, "is read");
        if (each->option == ZMQ_INVERT_MATCHING)
            check_int_at(each, back != 0, "is on");
        else
            check_int_at(each, back == value, "is kept");
        check_int_at(each, set_status(socket, each->option, low) == 0, "takes the least");
        close_socket(socket);
    }
    end_context(context);
}

static void int_options_refuse_what_is_out_of_range(void)
{
    void* const context = new_context();
    int i;
    for (i = 0; i < int_option_count; ++i) {
        void* const socket = open_socket(context, ZMQ_DEALER);
        const int_option* const each = &int_options[i];
        errno = 0;
        if (each->low != any_value)
            check_int_at(each,
                         set_status(socket, each->option, each->low - 1) == -1 && errno == EINVAL,
                         "refuses less than the least");
        errno = 0;
        if (each->high != no_limit)
            check_int_at(each,
                         set_status(socket, each->option, each->high + 1) == -1 && errno == EINVAL,
                         "refuses more than the greatest");
        close_socket(socket);
    }
    end_context(context);
}

static void int_options_have_four_bytes(void)
{
    void* const context = new_context();
    int i;
    for (i = 0; i < int_option_count; ++i) {
        void* const socket = open_socket(context, ZMQ_DEALER);
        const int_option* const each = &int_options[i];
        long long value = 1;
        size_t size;
        size_t wrong;
        for (wrong = 3; wrong <= 8; wrong += 5) {
            errno = 0;
            size = wrong;
            check_int_at(
                each, zmq_getsockopt(socket, each->option, &value, &size) == -1 && errno == EINVAL,
                "refuses another size for reading");
            errno = 0;
            check_int_at(
                each, zmq_setsockopt(socket, each->option, &value, wrong) == -1 && errno == EINVAL,
                "refuses another size");
        }
        close_socket(socket);
    }
    end_context(context);
}

static void options_of_eight_bytes(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    uint64_t affinity = 99;
    int64_t limit = 99;
    size_t size = 8;
    CHECK_INT(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size), 0);
    CHECK_INT(affinity, 0);
    affinity = 1;
    CHECK_INT(zmq_setsockopt(socket, ZMQ_AFFINITY, &affinity, 8), 0);
    affinity = 0;
    CHECK_INT(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size), 0);
    CHECK_INT(affinity, 1);
    CHECK_INT(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size), 0);
    CHECK_INT(limit, -1);
    limit = 1000;
    CHECK_INT(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, 8), 0);
    CHECK_INT(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size), 0);
    CHECK_INT(limit, 1000);
    size = 4;
    CHECK_FAILS(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size), EINVAL);
    CHECK_FAILS(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_AFFINITY, &affinity, 4), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, 4), EINVAL);
    close_socket(socket);
    end_context(context);
}

static void what_is_read_alone_takes_longer_buffers(void)
{
    static const int options[] = {ZMQ_RCVMORE, ZMQ_FD, ZMQ_EVENTS, ZMQ_THREAD_SAFE};
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    size_t i;
    for (i = 0; i < sizeof options / sizeof *options; ++i) {
        unsigned char room[12];
        size_t size = sizeof room, expected;
        int value = -1;
        memset(room, 0xEE, sizeof room);
        CHECK_INT(zmq_getsockopt(socket, options[i], room, &size), 0);
        expected = options[i] == ZMQ_FD ? sizeof(zmq_fd_t) : sizeof(int);
        CHECK_INT(size, expected);
        CHECK_INT(room[expected] | room[11], 0);
        size = expected - 1;
        CHECK_FAILS(zmq_getsockopt(socket, options[i], room, &size), EINVAL);
        CHECK_FAILS(zmq_setsockopt(socket, options[i], &value, sizeof value), EINVAL);
    }
    CHECK_INT(get_int(socket, ZMQ_THREAD_SAFE), 0);
    CHECK_INT(get_int(socket, ZMQ_RCVMORE), 0);
    CHECK_INT(descriptor_of(socket), descriptor_of(socket));
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
    close_socket(socket);
    end_context(context);
}

static void unknown_options_are_invalid(void)
{
    static const int options[] = {-1, 0,  1,  2,  3,  10, 20, 26,  29,  30,  67,  70,
                                  82, 83, 85, 86, 87, 88, 97, 101, 102, 110, 1000};
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    size_t i;
    for (i = 0; i < sizeof options / sizeof *options; ++i) {
        int value = 1;
        size_t size = sizeof value;
        char text[64];
        const int got = zmq_getsockopt(socket, options[i], &value, &size);
        const int reason = got == -1 ? errno : 0;
        snprintf(text, sizeof text, "option %d is read with %d", options[i], reason);
        test_check(__FILE__, __LINE__, text, reason == EINVAL, 0);
        value = 1;
        if (options[i] != 97 || !is_theirs()) {
            errno = 0;
            snprintf(text, sizeof text, "option %d is unknown", options[i]);
            test_check(__FILE__, __LINE__, text,
                       set_status(socket, options[i], value) == -1 && errno == EINVAL, 0);
        }
    }
    close_socket(socket);
    end_context(context);
}

/* pyzmq's tests read them. */
static void numbers_of_drafts_that_are_read(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PUB);
    CHECK_INT(get_int(socket, 93), 0);
    CHECK_INT(get_int(socket, 94), 0);
    CHECK_INT(get_int(socket, 96), 1);
    close_socket(socket);
    end_context(context);
}

/* --- What one type alone has --- */

static void check_only(int option, const char* types)
{
    void* const context = new_context();
    static const char names[] = "PpsqRDrLHXxS"; /* by the number of the type */
    int type;
    for (type = 0; type <= ZMQ_STREAM; ++type) {
        void* const socket = open_socket(context, type);
        const int expected = strchr(types, names[type]) != NULL;
        char text[64];
        int set;
        errno = 0;
        set = set_status(socket, option, 1);
        snprintf(text, sizeof text, "option %d of type %d: %d, errno %d", option, type, set, errno);
        test_check(__FILE__, __LINE__, text, expected ? set == 0 : set == -1 && errno == EINVAL, 0);
        if (expected) {
            int value;
            size_t size = sizeof value;
            CHECK_FAILS(set_status(socket, option, -1), EINVAL);
            CHECK_FAILS(zmq_getsockopt(socket, option, &value, &size), EINVAL);
        }
        close_socket(socket);
    }
    end_context(context);
}

static void options_of_one_type(void)
{
    check_only(ZMQ_ROUTER_MANDATORY, "rR");
    check_only(ZMQ_ROUTER_HANDOVER, "rR");
    check_only(ZMQ_ROUTER_RAW, "rR");
    check_only(ZMQ_PROBE_ROUTER, "qRDr");
    check_only(ZMQ_REQ_CORRELATE, "q");
    check_only(ZMQ_REQ_RELAXED, "q");
    check_only(ZMQ_XPUB_VERBOSE, "Xp");
    check_only(ZMQ_XPUB_VERBOSER, "Xp");
    check_only(ZMQ_XPUB_NODROP, "Xp");
    check_only(ZMQ_XPUB_MANUAL, "Xp");
    check_only(ZMQ_STREAM_NOTIFY, "S");
}

static void subscriptions_are_a_subs_option(void)
{
    void* const context = new_context();
    int type;
    for (type = 0; type <= ZMQ_STREAM; ++type) {
        void* const socket = open_socket(context, type);
        if (type == ZMQ_SUB) {
            CHECK_INT(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "a", 1), 0);
            CHECK_INT(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0), 0);
            CHECK_INT(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, NULL, 0), 0);
            CHECK_INT(zmq_setsockopt(socket, ZMQ_UNSUBSCRIBE, "never", 5), 0);
        } else {
            CHECK_FAILS(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "a", 1), EINVAL);
            CHECK_FAILS(zmq_setsockopt(socket, ZMQ_UNSUBSCRIBE, "a", 1), EINVAL);
        }
        close_socket(socket);
    }
    end_context(context);
}

static void defaults_that_differ_by_type(void)
{
    void* const context = zmq_ctx_new();
    int type;
    for (type = 0; type <= ZMQ_STREAM; ++type) {
        void* const socket = open_socket(context, type);
        const int can_send = type == ZMQ_PUB || type == ZMQ_ROUTER || type == ZMQ_XPUB ||
                             type == ZMQ_XSUB || type == ZMQ_STREAM;
        CHECK_INT(get_int(socket, ZMQ_LINGER), type == ZMQ_SUB || type == ZMQ_XSUB ? 0 : -1);
        CHECK_INT(get_int(socket, ZMQ_EVENTS), can_send ? ZMQ_POLLOUT : 0);
        close_socket(socket);
    }
    CHECK_INT(zmq_ctx_term(context), 0);
}

/* --- Texts and bytes --- */

static void routing_ids_have_1_to_255_bytes(void)
{
    void* const context = new_context();
    char bytes[256];
    int type;
    memset(bytes, 'i', sizeof bytes);
    for (type = 0; type <= ZMQ_STREAM; ++type) {
        void* const socket = open_socket(context, type);
        char back[256];
        size_t size = sizeof back;
        CHECK_INT(zmq_getsockopt(socket, ZMQ_ROUTING_ID, back, &size), 0);
        CHECK_INT(size, 0);
        CHECK_INT(zmq_setsockopt(socket, ZMQ_ROUTING_ID, bytes, 255), 0);
        size = sizeof back;
        CHECK_INT(zmq_getsockopt(socket, ZMQ_ROUTING_ID, back, &size), 0);
        CHECK_INT(size, 255);
        CHECK_INT(zmq_setsockopt(socket, ZMQ_ROUTING_ID, "ab", 2), 0);
        size = sizeof back;
        CHECK_INT(zmq_getsockopt(socket, ZMQ_ROUTING_ID, back, &size), 0);
        CHECK_BYTES(back, size, "ab", 2);
        size = 1;
        CHECK_FAILS(zmq_getsockopt(socket, ZMQ_ROUTING_ID, back, &size), EINVAL);
        CHECK_FAILS(zmq_setsockopt(socket, ZMQ_ROUTING_ID, bytes, 256), EINVAL);
        CHECK_FAILS(zmq_setsockopt(socket, ZMQ_ROUTING_ID, bytes, 0), EINVAL);
        close_socket(socket);
    }
    end_context(context);
}

static void check_text_option(void* socket, int option, const char* text)
{
    char back[256] = "?";
    size_t size = sizeof back;
    CHECK_INT(zmq_getsockopt(socket, option, back, &size), 0);
    CHECK_INT(size, 1);
    CHECK_TEXT(back, "");
    CHECK_INT(zmq_setsockopt(socket, option, text, strlen(text)), 0);
    size = sizeof back;
    CHECK_INT(zmq_getsockopt(socket, option, back, &size), 0);
    CHECK_INT(size, strlen(text) + 1);
    CHECK_TEXT(back, text);
    size = strlen(text);
    CHECK_FAILS(zmq_getsockopt(socket, option, back, &size), EINVAL);
}

static void texts_are_read_with_their_nul(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    check_text_option(socket, ZMQ_PLAIN_USERNAME, "user");
    check_text_option(socket, ZMQ_PLAIN_PASSWORD, "secret");
    check_text_option(socket, ZMQ_ZAP_DOMAIN, "domain");
    check_text_option(socket, ZMQ_SOCKS_PROXY, "127.0.0.1:1080");
    check_text_option(socket, ZMQ_BINDTODEVICE, "lo");
    close_socket(socket);
    end_context(context);
}

static void texts_have_their_lengths(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    char text[256];
    memset(text, 'a', sizeof text);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, text, 255), 0);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, text, 256), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, "", 0), EINVAL);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, text, 255), 0);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, text, 256), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_SOCKS_PROXY, "", 0), EINVAL);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_SOCKS_PROXY, NULL, 0), 0);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_BINDTODEVICE, NULL, 0), 0);
    close_socket(socket);
    end_context(context);
}

static void plain_options_choose_the_mechanism(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    CHECK_INT(get_int(socket, ZMQ_PLAIN_SERVER), 0);
    set_int(socket, ZMQ_PLAIN_SERVER, 1);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    CHECK_INT(get_int(socket, ZMQ_PLAIN_SERVER), 1);
    set_int(socket, ZMQ_PLAIN_SERVER, 0);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "a", 1);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    CHECK_INT(get_int(socket, ZMQ_PLAIN_SERVER), 0);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, NULL, 0), 0);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
    CHECK_FAILS(set_status(socket, ZMQ_PLAIN_SERVER, 2), EINVAL);
    close_socket(socket);
    end_context(context);
}

static void heartbeat_ttl_is_in_tenths_of_a_second(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    CHECK_INT(get_int(socket, ZMQ_HEARTBEAT_TTL), 0);
    set_int(socket, ZMQ_HEARTBEAT_TTL, 1299);
    CHECK_INT(get_int(socket, ZMQ_HEARTBEAT_TTL), 1200);
    set_int(socket, ZMQ_HEARTBEAT_TTL, 99);
    CHECK_INT(get_int(socket, ZMQ_HEARTBEAT_TTL), 0);
    set_int(socket, ZMQ_HEARTBEAT_TTL, 6553599);
    CHECK_INT(get_int(socket, ZMQ_HEARTBEAT_TTL), 6553500);
    CHECK_FAILS(set_status(socket, ZMQ_HEARTBEAT_TTL, 6553600), EINVAL);
    CHECK_FAILS(set_status(socket, ZMQ_HEARTBEAT_TTL, -100), EINVAL);
    close_socket(socket);
    end_context(context);
}

static void filters_take_masks_and_ids(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    const int id = 1;
    static const int ids[] = {ZMQ_IPC_FILTER_PID, ZMQ_IPC_FILTER_UID, ZMQ_IPC_FILTER_GID};
    size_t i;
    CHECK_INT(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.0/8", 11), 0);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, NULL, 0), 0);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "nonsense", 8), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1/64", 12), EINVAL);
    for (i = 0; i < sizeof ids / sizeof *ids; ++i) {
        CHECK_INT(zmq_setsockopt(socket, ids[i], &id, sizeof id), 0);
        CHECK_INT(zmq_setsockopt(socket, ids[i], NULL, 0), 0);
        CHECK_FAILS(zmq_setsockopt(socket, ids[i], &id, 3), EINVAL);
    }
    close_socket(socket);
    end_context(context);
}

static void curve_keys_are_32_40_or_41_bytes(void)
{
    static const char text[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    uint8_t bytes[32];
    char back[41] = "";
    uint8_t binary[32];
    size_t size;
    if (!zmq_has("curve")) {
        CHECK_FAILS(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, text, 40), EINVAL);
        close_socket(socket);
        end_context(context);
        skip("the library has no CURVE");
    }
    zmq_z85_decode(bytes, text);
    CHECK_INT(get_int(socket, ZMQ_CURVE_SERVER), 0);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, text, 40), 0);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_CURVE);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, text, 41), 0);
    CHECK_INT(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, bytes, 32), 0);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, text, 39), EINVAL);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, text, 31), EINVAL);
    size = 41;
    CHECK_INT(zmq_getsockopt(socket, ZMQ_CURVE_SERVERKEY, back, &size), 0);
    CHECK_TEXT(back, text);
    size = 32;
    CHECK_INT(zmq_getsockopt(socket, ZMQ_CURVE_PUBLICKEY, binary, &size), 0);
    CHECK_BYTES(binary, 32, bytes, 32);
    size = 40;
    CHECK_FAILS(zmq_getsockopt(socket, ZMQ_CURVE_PUBLICKEY, back, &size), EINVAL);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    CHECK_INT(get_int(socket, ZMQ_CURVE_SERVER), 1);
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "a", 1);
    CHECK_INT(get_int(socket, ZMQ_MECHANISM), ZMQ_PLAIN);
    close_socket(socket);
    end_context(context);
}

static void gssapi_is_invalid_without_it(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    if (!zmq_has("gssapi")) {
        CHECK_FAILS(set_status(socket, ZMQ_GSSAPI_SERVER, 1), EINVAL);
        CHECK_FAILS(zmq_setsockopt(socket, ZMQ_GSSAPI_PRINCIPAL, "a", 1), EINVAL);
        CHECK_FAILS(set_status(socket, ZMQ_GSSAPI_PLAINTEXT, 1), EINVAL);
    }
    close_socket(socket);
    end_context(context);
}

CASES(options) = {
    {"options of an int have their defaults", int_options_have_their_defaults},
    {"options of an int are kept", int_options_are_kept},
    {"options of an int refuse what is out of range", int_options_refuse_what_is_out_of_range},
    {"options of an int have four bytes", int_options_have_four_bytes},
    {"AFFINITY and MAXMSGSIZE have eight bytes", options_of_eight_bytes},
    {"RCVMORE, FD, EVENTS and THREAD_SAFE take longer buffers",
     what_is_read_alone_takes_longer_buffers},
    {"an unknown option is EINVAL", unknown_options_are_invalid},
    {"numbers of drafts that Debian's library answers are read", numbers_of_drafts_that_are_read},
    {"an option of one type is EINVAL for others", options_of_one_type},
    {"subscriptions are a SUB's option", subscriptions_are_a_subs_option},
    {"LINGER and EVENTS begin as the type wants it", defaults_that_differ_by_type},
    {"a routing id has 1 to 255 bytes", routing_ids_have_1_to_255_bytes},
    {"a text is read with its NUL", texts_are_read_with_their_nul},
    {"a text has its lengths", texts_have_their_lengths},
    {"options of PLAIN choose the mechanism", plain_options_choose_the_mechanism},
    {"HEARTBEAT_TTL is kept in tenths of a second", heartbeat_ttl_is_in_tenths_of_a_second},
    {"filters take masks and ids", filters_take_masks_and_ids},
    {"keys of CURVE are 32, 40 or 41 bytes", curve_keys_are_32_40_or_41_bytes},
    {"options of GSSAPI are EINVAL without it", gssapi_is_invalid_without_it},
    END_OF_CASES,
};
