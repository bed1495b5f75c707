/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 6: slk_msg_t. */
#include "sockets.h"

#include <stdint.h>
#include <stdlib.h>

/* Memory of the caller's for a message. */
static slk_msg_t* own_storage(void)
{
    slk_ctx_t* ctx = new_context();
    int size = 0;
    size_t length = sizeof size;
    REQUIRE_INT(slk_ctx_get(ctx, SLK_MSG_T_SIZE, &size, &length), 0);
    slk_ctx_destroy(ctx);
    return malloc((size_t)size);
}

static void check_content(slk_msg_t* message, const char* text)
{
    CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), text, strlen(text));
}

static void new_messages(void)
{
    slk_msg_t* message = slk_msg_new();
    REQUIRE(message != NULL);
    CHECK_INT(slk_msg_size(message), 0);
    slk_msg_destroy(message);
    message = slk_msg_new_data("text", 4);
    check_content(message, "text");
    slk_msg_destroy(message);
    message = slk_msg_new_data(NULL, 0);
    REQUIRE(message != NULL);
    CHECK_INT(slk_msg_size(message), 0);
    slk_msg_destroy(message);
    message = slk_msg_new_data("", 0);
    REQUIRE(message != NULL);
    CHECK_INT(slk_msg_size(message), 0);
    slk_msg_destroy(message);
}

static void data_is_copied_and_writable(void)
{
    static const size_t sizes[] = {1, 29, 30, 33, 34, 64, 255, 256, 4096, 1000000};
    size_t index;
    size_t byte;
    for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
        const size_t size = sizes[index];
        unsigned char* bytes = malloc(size);
        slk_msg_t* message;
        unsigned char* data;
        int wrong = 0;
        memset(bytes, 0x5a, size);
        message = slk_msg_new_data(bytes, size);
        REQUIRE(message != NULL);
        memset(bytes, 0, size);
        CHECK_INT(slk_msg_size(message), size);
        data = slk_msg_data(message);
        REQUIRE(data != NULL);
        CHECK(data != bytes);
        for (byte = 0; byte < size; ++byte)
            wrong += data[byte] != 0x5a;
        CHECK_INT(wrong, 0);
        memset(data, 0xa5, size);
        CHECK(slk_msg_data(message) == data);
        CHECK_INT(((unsigned char*)slk_msg_data(message))[size - 1], 0xa5);
        slk_msg_destroy(message);
        free(bytes);
    }
}

static void own_memory(void)
{
    slk_msg_t* message = own_storage();
    CHECK_INT(slk_msg_init(message), 0);
    CHECK_INT(slk_msg_size(message), 0);
    CHECK_INT(slk_msg_close(message), 0);
    /* A closed message is initialised anew. */
    CHECK_INT(slk_msg_init_data(message, "text", 4), 0);
    check_content(message, "text");
    CHECK_INT(slk_msg_close(message), 0);
    CHECK_INT(slk_msg_init_data(message, NULL, 0), 0);
    CHECK_INT(slk_msg_size(message), 0);
    CHECK_INT(slk_msg_close(message), 0);
    /* Whatever was in the memory before. */
    memset(message, 0xff, 1);
    CHECK_INT(slk_msg_init(message), 0);
    CHECK_INT(slk_msg_close(message), 0);
    free(message);
}

static void own_memory_needs_data(void)
{
    slk_msg_t* message = own_storage();
    CHECK_FAILS(slk_msg_init_data(message, NULL, 1), SLK_EINVAL);
    CHECK_INT(slk_msg_init(message), 0);
    CHECK_INT(slk_msg_close(message), 0);
    free(message);
}

static void closing_and_destroying(void)
{
    slk_msg_t* message = slk_msg_new_data("text", 4);
    CHECK_INT(slk_msg_close(message), 0);
    CHECK_INT(slk_msg_init_data(message, "again", 5), 0);
    check_content(message, "again");
    slk_msg_destroy(message);
}

static void copies(void)
{
    static const size_t sizes[] = {0, 1, 30, 100, 100000};
    size_t index;
    for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
        const size_t size = sizes[index];
        char* bytes = malloc(size + 1);
        slk_msg_t* source;
        slk_msg_t* copy = slk_msg_new_data("old content", 11);
        memset(bytes, 'b', size + 1);
        source = slk_msg_new_data(bytes, size);
        CHECK_INT(slk_msg_copy(copy, source), 0);
        CHECK_BYTES(slk_msg_data(source), slk_msg_size(source), bytes, size);
        CHECK_BYTES(slk_msg_data(copy), slk_msg_size(copy), bytes, size);
        slk_msg_destroy(source);
        CHECK_BYTES(slk_msg_data(copy), slk_msg_size(copy), bytes, size);
        slk_msg_destroy(copy);
        free(bytes);
    }
}

static void copies_of_copies(void)
{
    char bytes[1000];
    slk_msg_t* messages[10];
    int index;
    memset(bytes, 'b', sizeof bytes);
    messages[0] = slk_msg_new_data(bytes, sizeof bytes);
    for (index = 1; index < 10; ++index) {
        messages[index] = slk_msg_new();
        CHECK_INT(slk_msg_copy(messages[index], messages[index / 2]), 0);
    }
    for (index = 0; index < 10; ++index) {
        CHECK_BYTES(slk_msg_data(messages[index]), slk_msg_size(messages[index]), bytes,
                    sizeof bytes);
        slk_msg_destroy(messages[index]);
    }
}

static void copies_to_itself(void)
{
    char bytes[1000];
    slk_msg_t* message;
    memset(bytes, 'b', sizeof bytes);
    message = slk_msg_new_data(bytes, sizeof bytes);
    CHECK_INT(slk_msg_copy(message, message), 0);
    CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), bytes, sizeof bytes);
    slk_msg_destroy(message);
}

static void moves(void)
{
    static const size_t sizes[] = {0, 1, 30, 100, 100000};
    size_t index;
    for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
        const size_t size = sizes[index];
        char* bytes = malloc(size + 1);
        slk_msg_t* source;
        slk_msg_t* target = slk_msg_new_data("old content", 11);
        memset(bytes, 'b', size + 1);
        source = slk_msg_new_data(bytes, size);
        CHECK_INT(slk_msg_move(target, source), 0);
        CHECK_INT(slk_msg_size(source), 0);
        CHECK_BYTES(slk_msg_data(target), slk_msg_size(target), bytes, size);
        /* And can be used again. */
        CHECK_INT(slk_msg_copy(source, target), 0);
        CHECK_BYTES(slk_msg_data(source), slk_msg_size(source), bytes, size);
        slk_msg_destroy(source);
        slk_msg_destroy(target);
        free(bytes);
    }
}

static int more_of(slk_msg_t* message)
{
    int value = -1;
    size_t size = sizeof value;
    CHECK_INT(slk_msg_get(message, property_more, &value, &size), 0);
    CHECK_INT(size, sizeof value);
    return value;
}

static void property_of_more(void)
{
    slk_msg_t* message = slk_msg_new();
    long long room = 0;
    int value = 1;
    size_t size = sizeof room;
    CHECK_INT(more_of(message), 0);
    CHECK_INT(slk_msg_set(message, property_more, &value, sizeof value), 0);
    CHECK_INT(more_of(message), 1);
    value = 0;
    CHECK_INT(slk_msg_set(message, property_more, &value, sizeof value), 0);
    CHECK_INT(more_of(message), 0);
    /* Room for more than an int is all right. */
    CHECK_INT(slk_msg_get(message, property_more, &room, &size), 0);
    CHECK_INT(size, sizeof(int));
    for (size = 0; size < sizeof(int); ++size) {
        size_t small = size;
        CHECK_FAILS(slk_msg_get(message, property_more, &room, &small), SLK_EINVAL);
        CHECK_FAILS(slk_msg_set(message, property_more, &value, size), SLK_EINVAL);
    }
    slk_msg_destroy(message);
}

static void other_properties(void)
{
    static const int unknown[] = {-1, 1, 2, 3, 4, 100};
    slk_msg_t* message = slk_msg_new();
    size_t index;
    for (index = 0; index < sizeof unknown / sizeof unknown[0]; ++index) {
        int value = 1;
        size_t size = sizeof value;
        CHECK_FAILS(slk_msg_get(message, unknown[index], &value, &size), SLK_EINVAL);
        CHECK_FAILS(slk_msg_set(message, unknown[index], &value, sizeof value), SLK_EINVAL);
    }
    slk_msg_destroy(message);
}

static void routing_ids(void)
{
    slk_msg_t* message = slk_msg_new_data("text", 4);
    slk_msg_t* other = slk_msg_new();
    uint32_t id = 77;
    uint64_t room = 0;
    size_t size = sizeof id;
    CHECK_INT(slk_msg_get_routing_id(message, &id, &size), 0);
    CHECK_INT(size, 4);
    CHECK_INT(id, 0);
    id = 0xfedcba98;
    CHECK_INT(slk_msg_set_routing_id(message, &id, 4), 0);
    id = 0;
    size = sizeof room;
    CHECK_INT(slk_msg_get_routing_id(message, &room, &size), 0);
    CHECK_INT(size, 4);
    memcpy(&id, &room, sizeof id);
    CHECK_INT(id, 0xfedcba98);
    check_content(message, "text");
    id = 0;
    CHECK_FAILS(slk_msg_set_routing_id(message, &id, 4), SLK_EINVAL);
    id = 5;
    CHECK_FAILS(slk_msg_set_routing_id(message, &id, 3), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set_routing_id(message, &id, 5), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set_routing_id(message, &id, 0), SLK_EINVAL);
    size = 3;
    CHECK_FAILS(slk_msg_get_routing_id(message, &id, &size), SLK_EINVAL);
    size = 4;
    CHECK_INT(slk_msg_get_routing_id(message, &id, &size), 0);
    CHECK_INT(id, 0xfedcba98);
    slk_msg_destroy(message);
    slk_msg_destroy(other);
}

static void sent_messages_are_empty(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        slk_msg_t* message = slk_msg_new_data("first", 5);
        slk_msg_t* received = slk_msg_new_data("old content", 11);
        open_pair(&pair, kind);
        CHECK_INT(slk_msg_send(message, pair.bound, 0), 0);
        CHECK_INT(slk_msg_size(message), 0);
        CHECK_INT(slk_msg_init_data(message, "second", 6), 0);
        CHECK_INT(slk_msg_send(message, pair.bound, SLK_SNDMORE), 0);
        CHECK_INT(slk_msg_send(message, pair.bound, 0), 0); /* an empty frame */
        CHECK_INT(slk_msg_recv(received, pair.connected, 0), 0);
        check_content(received, "first");
        CHECK_INT(more_of(received), 0);
        CHECK_INT(slk_msg_recv(received, pair.connected, 0), 0);
        check_content(received, "second");
        CHECK_INT(more_of(received), 1);
        CHECK_INT(slk_msg_recv(received, pair.connected, 0), 0);
        check_content(received, "");
        CHECK_INT(more_of(received), 0);
        slk_msg_destroy(message);
        slk_msg_destroy(received);
        close_pair(&pair);
    }
}

static void messages_that_cannot_be_sent_are_unchanged(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    CHECK_FAILS(slk_msg_send(message, socket, SLK_DONTWAIT), SLK_EAGAIN);
    check_content(message, "kept");
    set_int(socket, SLK_SNDTIMEO, 5);
    CHECK_FAILS(slk_msg_send(message, socket, 0), SLK_EAGAIN);
    check_content(message, "kept");
    CHECK_FAILS(slk_msg_recv(message, socket, SLK_DONTWAIT), SLK_EAGAIN);
    slk_msg_destroy(message);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void received_messages_are_forwarded(void)
{
    connected_pair in;
    connected_pair out;
    slk_msg_t* message = own_storage();
    char much[5000];
    int index;
    memset(much, 'm', sizeof much);
    open_pair(&in, transport_tcp);
    open_pair(&out, transport_inproc);
    CHECK_INT(slk_msg_init(message), 0);
    for (index = 0; index < 3; ++index)
        CHECK_INT(slk_send(in.connected, much, sizeof much, index < 2 ? SLK_SNDMORE : 0), 5000);
    for (index = 0; index < 3; ++index) {
        CHECK_INT(slk_msg_recv(message, in.bound, 0), 0);
        CHECK_INT(slk_msg_send(message, out.bound, more_of(message) ? SLK_SNDMORE : 0), 0);
    }
    for (index = 0; index < 3; ++index) {
        CHECK_INT(slk_msg_recv(message, out.connected, 0), 0);
        CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), much, sizeof much);
        CHECK_INT(more_of(message), index < 2);
    }
    CHECK_INT(slk_msg_close(message), 0);
    free(message);
    close_pair(&in);
    close_pair(&out);
}

/* Both hold the same bytes, and one of them is sent. */
static void a_copy_outlives_the_sent_one(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        char bytes[3000];
        slk_msg_t* message;
        slk_msg_t* copy = slk_msg_new();
        int index;
        memset(bytes, 'b', sizeof bytes);
        open_pair(&pair, kind);
        message = slk_msg_new_data(bytes, sizeof bytes);
        for (index = 0; index < 5; ++index) {
            CHECK_INT(slk_msg_copy(copy, message), 0);
            CHECK_INT(slk_msg_send(copy, pair.bound, 0), 0);
            CHECK_INT(slk_msg_size(copy), 0);
        }
        for (index = 0; index < 5; ++index) {
            CHECK_INT(slk_msg_recv(copy, pair.connected, 0), 0);
            CHECK_BYTES(slk_msg_data(copy), slk_msg_size(copy), bytes, sizeof bytes);
        }
        CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), bytes, sizeof bytes);
        slk_msg_destroy(message);
        slk_msg_destroy(copy);
        close_pair(&pair);
    }
}

CASES(messages) = {
    {"new messages", new_messages},
    {"data of a message is copied and writable", data_is_copied_and_writable},
    {"messages in the caller's memory", own_memory},
    {"a message in the caller's memory needs data", own_memory_needs_data},
    {"a message that was closed is used again", closing_and_destroying},
    {"a copy has the same bytes", copies},
    {"copies of copies", copies_of_copies},
    {"a message is copied to itself", copies_to_itself},
    {"a move leaves the source empty", moves},
    {"the property MORE", property_of_more},
    {"other properties are refused", other_properties},
    {"the number that a message carries", routing_ids},
    {"a message is empty after it was sent", sent_messages_are_empty},
    {"a message that cannot be sent is unchanged", messages_that_cannot_be_sent_are_unchanged},
    {"received messages are forwarded", received_messages_are_forwarded},
    {"a copy outlives the one that was sent", a_copy_outlives_the_sent_one},
    END_OF_CASES,
};
