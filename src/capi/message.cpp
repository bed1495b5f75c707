// SPDX-License-Identifier: MPL-2.0

// Messages, and how they are sent and received.

#include "base/part_sink.hpp"
#include "capi/handles.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>

namespace slk::capi {

namespace {

int to_size(std::size_t size) noexcept
{
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

/// A whole message of at most this size is copied where it is sent: its memory is not handed on.
constexpr std::size_t max_copied = 1024;

/// Replaces the content of a message, once there is another one.
class message_filler final : public message_detail::part_sink {
public:
    explicit message_filler(message& to) noexcept : to_(to) {}

private:
    void keep(std::span<const std::byte> body,
              message_detail::shared_memory* owner) noexcept override
    {
        to_.clear();
        if (owner != nullptr)
            message_detail::access::view(to_, body.data(), body.size(), owner, false);
        else
            message_detail::access::copy(to_, body);
    }

    message& to_;
};

/// The property MORE, the only one.
constexpr int more_property = 0;

int fill(slk_msg_t& into, const void* data, std::size_t size)
{
    if (data == nullptr && size > 0)
        return fail_with(SLK_EINVAL);
    auto copied = message::copy_of(bytes_of(data, size));
    if (!copied)
        return fail_with(SLK_ENOMEM);
    into.body = std::move(*copied);
    into.routing_id = 0;
    into.more = false;
    return 0;
}

void make_empty(slk_msg_t& of) noexcept
{
    of.body.clear();
    of.routing_id = 0;
    of.more = false;
}

[[gnu::always_inline]] inline result<void> send_bytes(const slk_socket_t& to, const socket_call& by,
                                                      std::span<const std::byte> part, int flags)
{
    return by.socket().send(part, (flags & SLK_SNDMORE) != 0,
                            limit_of(to.values[int_option::sndtimeo], flags));
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

slk_msg_t* slk_msg_new(void)
{
    return slk_msg_new_data(nullptr, 0);
}

slk_msg_t* slk_msg_new_data(const void* data, size_t size)
{
    slk_msg_t* const made = new (std::nothrow) slk_msg_t;
    if (made == nullptr)
        fail_with(SLK_ENOMEM);
    else if (fill(*made, data, size) == 0)
        return made;
    delete made;
    return nullptr;
}

void slk_msg_destroy(slk_msg_t* msg)
{
    delete msg;
}

int slk_msg_init(slk_msg_t* msg)
{
    return slk_msg_init_data(msg, nullptr, 0);
}

int slk_msg_init_data(slk_msg_t* msg, const void* data, size_t size)
{
    if (msg == nullptr)
        return fail_with(SLK_EINVAL);
    return fill(*new (msg) slk_msg_t, data, size);
}

int slk_msg_close(slk_msg_t* msg)
{
    if (msg == nullptr)
        return fail_with(SLK_EINVAL);
    make_empty(*msg);
    return 0;
}

void* slk_msg_data(slk_msg_t* msg)
{
    if (msg == nullptr)
        return nullptr;
    if (const auto bytes = msg->body.writable(); !bytes.empty())
        return bytes.data();
    // Bytes that were received into a larger buffer are this message's alone.
    return const_cast<std::byte*>(msg->body.data());
}

size_t slk_msg_size(slk_msg_t* msg)
{
    return msg != nullptr ? msg->body.size() : 0;
}

int slk_msg_copy(slk_msg_t* dest, slk_msg_t* src)
{
    if (dest == nullptr || src == nullptr)
        return fail_with(SLK_EINVAL);
    if (dest == src)
        return 0;
    dest->body = src->body.copy();
    dest->routing_id = src->routing_id;
    dest->more = src->more;
    return 0;
}

int slk_msg_move(slk_msg_t* dest, slk_msg_t* src)
{
    if (dest == nullptr || src == nullptr)
        return fail_with(SLK_EINVAL);
    if (dest == src)
        return 0;
    dest->body = std::move(src->body);
    dest->routing_id = src->routing_id;
    dest->more = src->more;
    make_empty(*src);
    return 0;
}

int slk_msg_get(slk_msg_t* msg, int property, void* value, size_t* len)
{
    if (msg == nullptr || value == nullptr || len == nullptr || property != more_property ||
        *len < sizeof(int))
        return fail_with(SLK_EINVAL);
    const int more = msg->more ? 1 : 0;
    std::memcpy(value, &more, sizeof more);
    *len = sizeof more;
    return 0;
}

int slk_msg_set(slk_msg_t* msg, int property, const void* value, size_t len)
{
    if (msg == nullptr || value == nullptr || property != more_property || len < sizeof(int))
        return fail_with(SLK_EINVAL);
    int more = 0;
    std::memcpy(&more, value, sizeof more);
    msg->more = more != 0;
    return 0;
}

int slk_msg_set_routing_id(slk_msg_t* msg, const void* id, size_t size)
{
    std::uint32_t number = 0;
    if (msg == nullptr || id == nullptr || size != sizeof number)
        return fail_with(SLK_EINVAL);
    std::memcpy(&number, id, sizeof number);
    if (number == 0)
        return fail_with(SLK_EINVAL);
    msg->routing_id = number;
    return 0;
}

int slk_msg_get_routing_id(slk_msg_t* msg, void* id, size_t* size)
{
    if (msg == nullptr || id == nullptr || size == nullptr || *size < sizeof msg->routing_id)
        return fail_with(SLK_EINVAL);
    std::memcpy(id, &msg->routing_id, sizeof msg->routing_id);
    *size = sizeof msg->routing_id;
    return 0;
}

int slk_send(slk_socket_t* socket, const void* data, size_t len, int flags)
{
    const socket_call call(socket);
    if (call.code() != 0 || (data == nullptr && len > 0))
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    const auto sent = send_bytes(*socket, call, bytes_of(data, len), flags);
    return sent ? to_size(len) : fail_with(sent.error());
}

int slk_recv(slk_socket_t* socket, void* buf, size_t len, int flags)
{
    const socket_call call(socket);
    if (call.code() != 0 || (buf == nullptr && len > 0))
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    const auto received = call.socket().receive_into(
        {static_cast<std::byte*>(buf), len}, limit_of(socket->values[int_option::rcvtimeo], flags));
    return received ? to_size(received->size) : fail_with(received.error());
}

int slk_msg_send(slk_msg_t* msg, slk_socket_t* socket, int flags)
{
    const socket_call call(socket);
    if (call.code() != 0 || msg == nullptr)
        return fail_with(msg == nullptr ? SLK_EINVAL : call.code());
    const bool more = (flags & SLK_SNDMORE) != 0;
    const slk::timeout limit = limit_of(socket->values[int_option::sndtimeo], flags);
    const bool copied = msg->body.size() <= max_copied && call.socket().sends_at_once(more);
    const auto sent = copied ? call.socket().send(msg->body.bytes(), more, limit)
                             : call.socket().send(std::move(msg->body), more, limit);
    if (!sent) [[unlikely]]
        return fail_with(sent.error());
    make_empty(*msg);
    return 0;
}

int slk_msg_recv(slk_msg_t* msg, slk_socket_t* socket, int flags)
{
    const socket_call call(socket);
    if (call.code() != 0 || msg == nullptr)
        return fail_with(msg == nullptr ? SLK_EINVAL : call.code());
    message_filler filler(msg->body);
    const auto received =
        call.socket().receive_into(filler, limit_of(socket->values[int_option::rcvtimeo], flags));
    if (!received) [[unlikely]]
        return fail_with(received.error());
    msg->more = filler.more();
    msg->routing_id = 0;
    return 0;
}

int slk_send_to(slk_socket_t* socket, const void* routing_id, size_t id_len, const void* data,
                size_t data_len, int flags)
{
    const socket_call call(socket);
    if (call.code() != 0 || routing_id == nullptr || (data == nullptr && data_len > 0))
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    if (call.socket().type() != slk::socket_type::router)
        return fail_with(native::not_supported);
    if (call.socket().is_sending()) // a message that was begun has its peer
        return fail_with(SLK_EPROTO);
    if (const auto named =
            send_bytes(*socket, call, bytes_of(routing_id, id_len), flags | SLK_SNDMORE);
        !named)
        return fail_with(named.error());
    const auto sent = send_bytes(*socket, call, bytes_of(data, data_len), flags);
    if (sent)
        return to_size(data_len);
    call.socket().give_message_up();
    return fail_with(sent.error());
}

static_assert(sizeof(slk_msg_t) < 1024 && alignof(slk_msg_t) <= alignof(void*));
