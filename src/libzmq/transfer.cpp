// SPDX-License-Identifier: MPL-2.0

// How parts of messages are sent and received.

#include "base/message_access.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/message.hpp"
#include "libzmq/socket.hpp"

#include <algorithm>
#include <climits>

namespace slk::libzmq {

using message_detail::access;

namespace {

/// A whole message of at most this size is copied where it is sent: its memory is not handed on.
constexpr std::size_t max_copied = 1024;

int to_size(std::size_t size) noexcept
{
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

timeout send_limit(const socket_object& by, int flags) noexcept
{
    return socket_object::limit_of(by.values.get<ZMQ_SNDTIMEO>(), flags);
}

timeout receive_limit(const socket_object& by, int flags) noexcept
{
    return socket_object::limit_of(by.values.get<ZMQ_RCVTIMEO>(), flags);
}

/// Returns the size, or -1.
int send_bytes(void* handle, const void* data, std::size_t size, int flags)
{
    socket_object* const by = socket_object::find(handle);
    if (by == nullptr)
        return fail(ENOTSOCK);
    if (data == nullptr && size > 0)
        return fail(EFAULT);
    const auto sent =
        by->socket.send(bytes_of(data, size), (flags & ZMQ_SNDMORE) != 0, send_limit(*by, flags));
    return sent ? to_size(size) : fail_with(sent.error());
}

/// Returns the size, and the part is empty; or -1, and it is as before.
int send_part(zmq_msg_t* which, void* handle, int flags)
{
    socket_object* const by = socket_object::find(handle);
    if (by == nullptr)
        return fail(ENOTSOCK);
    if (which == nullptr || !part::of(which).is_valid())
        return fail(EFAULT);
    part& sent = part::of(which);
    const bool more = (flags & ZMQ_SNDMORE) != 0;
    const timeout limit = send_limit(*by, flags);
    const std::size_t length = sent.content().size();
    const int size = to_size(length);
    if ((length <= max_copied && by->socket.sends_at_once(more)) || !sent.is_view() ||
        sent.view.owner == nullptr) {
        if (const auto done = by->socket.send(sent.content(), more, limit); !done) [[unlikely]]
            return fail_with(done.error());
        sent.clear();
        return size;
    }
    message whole;
    access::view(whole, sent.view.data, sent.view.size, sent.view.owner, false);
    if (const auto done = by->socket.send(std::move(whole), more, limit); !done) {
        sent.view.owner->retain(); // which `whole` releases
        return fail_with(done.error());
    }
    // Its memory went with the message.
    sent.what = part::tag::inlined;
    sent.clear();
    return size;
}

/// Returns the size, or -1.
int receive_part(zmq_msg_t* into, void* handle, int flags)
{
    socket_object* const by = socket_object::find(handle);
    if (by == nullptr)
        return fail(ENOTSOCK);
    if (into == nullptr || !part::of(into).is_valid())
        return fail(EFAULT);
    part& to = part::of(into);
    part_filler filler(to);
    const auto received = by->socket.receive_into(filler, receive_limit(*by, flags));
    if (!received) [[unlikely]]
        return fail_with(received.error());
    if (filler.failed()) [[unlikely]]
        return fail(ENOMEM);
    to.more = filler.more();
    to.origin = static_cast<message_origin*>(by->socket.origin(to.origin));
    return to_size(filler.size());
}

} // namespace

} // namespace slk::libzmq

using namespace slk::libzmq;

int zmq_send(void* socket, const void* data, size_t size, int flags)
{
    return send_bytes(socket, data, size, flags);
}

int zmq_send_const(void* socket, const void* data, size_t size, int flags)
{
    return send_bytes(socket, data, size, flags);
}

int zmq_recv(void* socket, void* data, size_t size, int flags)
{
    socket_object* const by = socket_object::find(socket);
    if (by == nullptr)
        return fail(ENOTSOCK);
    const auto received =
        by->socket.receive_into({static_cast<std::byte*>(data), size}, receive_limit(*by, flags));
    return received ? to_size(received->size) : fail_with(received.error());
}

int zmq_msg_send(zmq_msg_t* msg, void* socket, int flags)
{
    return send_part(msg, socket, flags);
}

int zmq_msg_recv(zmq_msg_t* msg, void* socket, int flags)
{
    return receive_part(msg, socket, flags);
}

int zmq_sendmsg(void* socket, zmq_msg_t* msg, int flags)
{
    return send_part(msg, socket, flags);
}

int zmq_recvmsg(void* socket, zmq_msg_t* msg, int flags)
{
    return receive_part(msg, socket, flags);
}
