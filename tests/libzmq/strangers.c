/* SPDX-License-Identifier: MPL-2.0 */
/* What zmq_socket_monitor() reports of peers that do not speak ZMTP, or do it wrong. */
#include "facts.h"

#include <stdio.h>

/* Greetings of ZMTP 3.0, of 64 bytes. */
#define ZEROS_10 "\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_31 ZEROS_10 ZEROS_10 ZEROS_10 "\0"
#define GREETING(mechanism) "\xff\0\0\0\0\0\0\0\1\x7f\3\0" mechanism "\0" ZEROS_31
#define MECHANISM_NULL "NULL\0\0\0\0\0\0" ZEROS_10
#define MECHANISM_PLAIN "PLAIN\0\0\0\0\0" ZEROS_10
#define MECHANISM_CURVE "CURVE\0\0\0\0\0" ZEROS_10
#define MECHANISM_OTHER "OTHER\0\0\0\0\0" ZEROS_10
#define NULL_GREETING GREETING(MECHANISM_NULL)
#define PLAIN_GREETING GREETING(MECHANISM_PLAIN)
#define CURVE_GREETING GREETING(MECHANISM_CURVE)
#define READY_PUSH "\4\x1a\5READY\x0bSocket-Type\0\0\0\4PUSH"
#define HELLO "\4\x0a\5HELLO\1a\1b"

typedef struct stranger {
    const char* what;
    int mechanism; /* of the server */
    const char* bytes;
    size_t size;
    int closes;
    const char* events; /* what is reported of it */
} stranger;

#define SENDS(text) text, sizeof text - 1

static const stranger strangers[] = {
    {"HTTP", ZMQ_NULL, SENDS("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0, "accepted 800:11 end"},
    {"zeros", ZMQ_NULL, SENDS(ZEROS_10 ZEROS_10), 0, "accepted end"},
    {"random bytes", ZMQ_NULL, SENDS("\x9c\x12\x54\x88\1\2\3\xfe\x9c\x12\x54\x88"), 0,
     "accepted 800:11 end"},
    {"nothing, and closes", ZMQ_NULL, "", 0, 1, "accepted 800:reset end"},
    {"half a greeting, and closes", ZMQ_NULL, SENDS("\xff\0\0\0\0\0\0\0\1\x7f\3"), 1,
     "accepted 800:reset end"},
    {"a greeting, and closes", ZMQ_NULL, SENDS(NULL_GREETING), 1, "accepted 800:reset end"},
    {"nothing", ZMQ_NULL, "", 0, 0, "accepted 800:11 end"},
    {"a signature", ZMQ_NULL, SENDS("\xff\0\0\0\0\0\0\0\1\x7f"), 0, "accepted 800:11 end"},
    {"a greeting", ZMQ_NULL, SENDS(NULL_GREETING), 0, "accepted 800:11 end"},
    {"PLAIN for NULL", ZMQ_NULL, SENDS(PLAIN_GREETING), 0, "accepted 2000:11000002 end"},
    {"CURVE for NULL", ZMQ_NULL, SENDS(CURVE_GREETING), 0, "accepted 2000:11000002 end"},
    {"an unknown mechanism", ZMQ_NULL, SENDS(GREETING(MECHANISM_OTHER)), 0,
     "accepted 2000:11000002 end"},
    {"NULL for PLAIN", ZMQ_PLAIN, SENDS(NULL_GREETING), 0, "accepted 2000:11000002 end"},
    {"CURVE for PLAIN", ZMQ_PLAIN, SENDS(CURVE_GREETING), 0, "accepted 2000:11000002 end"},
    {"NULL for CURVE", ZMQ_CURVE, SENDS(NULL_GREETING), 0, "accepted 2000:11000002 end"},
    {"ZMTP 3.9", ZMQ_NULL,
     SENDS("\xff\0\0\0\0\0\0\0\1\x7f\3\x09" MECHANISM_NULL "\0" ZEROS_31 READY_PUSH), 0,
     "accepted succeeded"},
    {"ZMTP 4.0", ZMQ_NULL,
     SENDS("\xff\0\0\0\0\0\0\0\1\x7f\4\0" MECHANISM_NULL "\0" ZEROS_31 READY_PUSH), 0,
     "accepted succeeded"},
    {"ZMTP 2.0 for PLAIN", ZMQ_PLAIN, SENDS("\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0"), 0,
     "accepted end"},
    {"ZMTP 2.0 for CURVE", ZMQ_CURVE, SENDS("\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0"), 0,
     "accepted end"},
    {"ZMTP 1.0 for PLAIN", ZMQ_PLAIN, SENDS("\1\0\6\0hello"), 0, "accepted end"},
    {"ZMTP 1.0 for CURVE", ZMQ_CURVE, SENDS("\1\0\6\0hello"), 0, "accepted end"},
    {"revision 0", ZMQ_NULL, SENDS("\xff\0\0\0\0\0\0\0\1\x7f\0\x08\0\0"), 0, "accepted end"},

    {"a PUSH", ZMQ_NULL, SENDS(NULL_GREETING READY_PUSH), 0, "accepted succeeded"},
    {"a PUSH, and closes", ZMQ_NULL, SENDS(NULL_GREETING READY_PUSH), 1, "accepted succeeded end"},
    {"no type", ZMQ_NULL, SENDS(NULL_GREETING "\4\6\5READY"), 0, "accepted succeeded"},
    {"READY in a long frame", ZMQ_NULL,
     SENDS(NULL_GREETING "\6\0\0\0\0\0\0\0\x1a\5READY\x0bSocket-Type\0\0\0\4PUSH"), 0,
     "accepted succeeded"},
    {"a PUB", ZMQ_NULL, SENDS(NULL_GREETING "\4\x19\5READY\x0bSocket-Type\0\0\0\3PUB"), 0,
     "accepted end"},
    {"an unknown type", ZMQ_NULL, SENDS(NULL_GREETING "\4\x19\5READY\x0bSocket-Type\0\0\0\3XYZ"), 0,
     "accepted end"},
    {"metadata that is cut off", ZMQ_NULL,
     SENDS(NULL_GREETING "\4\x18\5READY\x0bSocket-Type\0\0\0\x09PU"), 0, "accepted end"},
    {"a READY that is too large", ZMQ_NULL, SENDS(NULL_GREETING "\6\x7f\0\0\0\0\0\0\x1a\5READY"), 0,
     "accepted end"},
    {"HELLO for READY", ZMQ_NULL, SENDS(NULL_GREETING "\4\6\5HELLO"), 0,
     "accepted 2000:10000001 end"},
    {"ready", ZMQ_NULL, SENDS(NULL_GREETING "\4\6\5ready"), 0, "accepted 2000:10000001 end"},
    {"PING for READY", ZMQ_NULL, SENDS(NULL_GREETING "\4\7\4PING\0\0"), 0,
     "accepted 2000:10000001 end"},
    {"a name that is cut off", ZMQ_NULL,
     SENDS(NULL_GREETING "\4\3\x50"
                         "ab"),
     0, "accepted 2000:10000001 end"},
    {"an empty command", ZMQ_NULL, SENDS(NULL_GREETING "\4\0"), 0, "accepted 2000:10000001 end"},
    {"a message for READY", ZMQ_NULL, SENDS(NULL_GREETING "\0\5hello"), 0,
     "accepted 2000:10000001 end"},
    {"ERROR 300", ZMQ_NULL,
     SENDS(NULL_GREETING "\4\x0a\5ERROR\3"
                         "300"),
     0, "accepted 4000:300 end"},
    {"ERROR 400", ZMQ_NULL,
     SENDS(NULL_GREETING "\4\x0a\5ERROR\3"
                         "400"),
     0, "accepted 4000:400 end"},
    {"ERROR with a text", ZMQ_NULL, SENDS(NULL_GREETING "\4\x0a\5ERROR\3bad"), 0, "accepted end"},
    {"ERROR without a reason", ZMQ_NULL, SENDS(NULL_GREETING "\4\6\5ERROR"), 0,
     "accepted 2000:10000015 end"},
    {"ERROR that is cut off", ZMQ_NULL, SENDS(NULL_GREETING "\4\x08\5ERROR\x09x"), 0,
     "accepted 2000:10000015 end"},

    {"PLAIN: an empty HELLO", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\4\6\5HELLO"), 0,
     "accepted 2000:10000013 end"},
    {"PLAIN: no password", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\4\x08\5HELLO\5a"), 0,
     "accepted 2000:10000013 end"},
    {"PLAIN: half a password", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\4\x0a\5HELLO\1a\5b"), 0,
     "accepted 2000:10000013 end"},
    {"PLAIN: more than a password", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\4\x0c\5HELLO\1a\1bxx"), 0,
     "accepted 2000:10000013 end"},
    {"PLAIN: INITIATE first", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\4\x09\x08INITIATE"), 0,
     "accepted 2000:10000001 end"},
    {"PLAIN: a message", ZMQ_PLAIN, SENDS(PLAIN_GREETING "\0\4\3XYZ"), 0,
     "accepted 2000:10000001 end"},
    {"PLAIN: no ZAP handler", ZMQ_PLAIN, SENDS(PLAIN_GREETING HELLO), 0,
     "accepted 800:14 800:11 end"},
    {"PLAIN: ERROR", ZMQ_PLAIN,
     SENDS(PLAIN_GREETING "\4\x0a\5ERROR\3"
                          "400"),
     0, "accepted 2000:10000001 end"},
    {"CURVE: an unknown command", ZMQ_CURVE, SENDS(CURVE_GREETING "\4\4\3XYZ"), 0,
     "accepted 2000:10000001 end"},
    {"CURVE: a short HELLO", ZMQ_CURVE, SENDS(CURVE_GREETING "\4\6\5HELLO"), 0,
     "accepted 2000:10000013 end"},
    {"CURVE: a message", ZMQ_CURVE, SENDS(CURVE_GREETING "\0\4\3XYZ"), 0,
     "accepted 2000:10000001 end"},
    {"CURVE: INITIATE first", ZMQ_CURVE, SENDS(CURVE_GREETING "\4\x09\x08INITIATE"), 0,
     "accepted 2000:10000001 end"},
};

enum {
    stranger_count = sizeof strangers / sizeof strangers[0],
    text_size = 256,
    greeting_size = 64
};

typedef struct watched_server {
    void* socket;
    void* monitor;
    endpoint_text endpoint;
} watched_server;

static watched_server serve(void* context, int mechanism)
{
    static const char* const secret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    const watched_server none = {NULL, NULL, ""};
    watched_server made = none;
    endpoint_text name;
    made.socket = open_socket(context, ZMQ_PULL);
    made.monitor = open_socket(context, ZMQ_PAIR);
    set_int(made.socket, ZMQ_HANDSHAKE_IVL, 300);
    if (mechanism == ZMQ_PLAIN)
        set_int(made.socket, ZMQ_PLAIN_SERVER, 1);
    if (mechanism == ZMQ_CURVE) {
        set_int(made.socket, ZMQ_CURVE_SERVER, 1);
        set_bytes(made.socket, ZMQ_CURVE_SECRETKEY, secret, 40);
    }
    bind_tcp(made.socket, made.endpoint);
    inproc_name(name);
    REQUIRE_INT(zmq_socket_monitor(made.socket, name, ZMQ_EVENT_ALL), 0);
    connect_to(made.monitor, name);
    return made;
}

/* Appends the next event to `text`; returns its number, or 0: none comes. */
static int append_event(void* monitor, char* text, int ms)
{
    unsigned char frame[6];
    char endpoint[endpoint_size];
    uint16_t number;
    uint32_t value;
    char* const end = text + strlen(text);
    const size_t room = (size_t)(text + text_size - end);
    if (recv_within(monitor, frame, sizeof frame, ms) != 6)
        return 0;
    recv_within(monitor, endpoint, sizeof endpoint, patience_ms);
    memcpy(&number, frame, 2);
    memcpy(&value, frame + 2, 4);
    if (number == ZMQ_EVENT_ACCEPTED)
        snprintf(end, room, "accepted");
    else if (number == ZMQ_EVENT_DISCONNECTED)
        snprintf(end, room, " end");
    else if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        snprintf(end, room, " succeeded");
    else if (number == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        snprintf(end, room, " %x:%x", (unsigned)number, (unsigned)value);
    else if (value == ECONNRESET) /* its number depends on the system */
        snprintf(end, room, " %x:reset", (unsigned)number);
    else
        snprintf(end, room, " %x:%u", (unsigned)number, (unsigned)value);
    return number;
}

static void check_stranger(const watched_server* server, const stranger* which)
{
    const int is_refused = strstr(which->events, " end") != NULL;
    char seen[text_size] = "";
    int number = 0;
    const size_t first = which->size < greeting_size ? which->size : greeting_size;
    const raw_socket raw = raw_connect(server->endpoint);
    if (first > 0)
        raw_send(raw, which->bytes, first);
    if (first < which->size) {
        sleep_ms(30); /* libzmq may take what comes with a greeting for something else */
        raw_send(raw, which->bytes + first, which->size - first);
    }
    if (which->closes) {
        sleep_ms(30); /* or the system drops the connection before it is accepted */
        raw_reset(raw);
    }
    do
        number = append_event(server->monitor, seen, patience_ms);
    while (number != 0 && number != ZMQ_EVENT_DISCONNECTED &&
           (is_refused || number != ZMQ_EVENT_HANDSHAKE_SUCCEEDED));
    if (strcmp(seen, which->events) != 0)
        printf("%s:\n", which->what);
    CHECK_TEXT(seen, which->events);
    if (!which->closes)
        raw_close(raw);
    if (!is_refused)
        CHECK_INT(append_event(server->monitor, seen, patience_ms), ZMQ_EVENT_DISCONNECTED);
}

static void check_strangers(int mechanism)
{
    void* const context = new_context();
    int number;
    watched_server server;
    if (mechanism == ZMQ_CURVE && !zmq_has("curve"))
        skip("this build is without CURVE");
    server = serve(context, mechanism);
    for (number = 0; number < stranger_count; ++number)
        if (strangers[number].mechanism == mechanism)
            check_stranger(&server, &strangers[number]);
    close_socket(server.monitor);
    close_socket(server.socket);
    end_context(context);
}

static void strangers_of_null(void)
{
    check_strangers(ZMQ_NULL);
}

static void strangers_of_plain(void)
{
    check_strangers(ZMQ_PLAIN);
}

static void strangers_of_curve(void)
{
    check_strangers(ZMQ_CURVE);
}

CASES(strangers) = {
    {"what a monitor reports of peers that do it wrong", strangers_of_null},
    {"what a monitor of a PLAIN server reports of them", strangers_of_plain},
    {"what a monitor of a CURVE server reports of them", strangers_of_curve},
    END_OF_CASES,
};
