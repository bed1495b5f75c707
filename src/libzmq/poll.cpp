// SPDX-License-Identifier: MPL-2.0

// zmq_poll().

#include <serverlink/wait.hpp>

#include "base/try_allocate.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace slk::libzmq {

namespace {

timeout limit_of(long milliseconds) noexcept
{
    if (milliseconds < 0)
        return {};
    return milliseconds == 0 ? timeout(no_wait) : timeout(std::chrono::milliseconds(milliseconds));
}

bool is_watched(const zmq_pollitem_t& item) noexcept
{
    return item.socket != nullptr || static_cast<std::intptr_t>(item.fd) >= 0;
}

/// What to wait for. Returns 0 or an errno; `at_once`: nothing needs to be waited for.
int prepare(wait_item& made, const zmq_pollitem_t& item, bool& at_once)
{
    made.to_receive = (item.events & ZMQ_POLLIN) != 0;
    made.to_send = (item.events & ZMQ_POLLOUT) != 0;
    if (item.socket == nullptr) {
        made.descriptor = static_cast<std::intptr_t>(item.fd);
        made.to_fail = true; // whether it was asked for or not
        made.to_urgent = (item.events & ZMQ_POLLPRI) != 0;
        made.apart = true;
        return 0;
    }
    socket_object* const on = socket_object::find(item.socket);
    if (on == nullptr)
        return ENOTSOCK;
    frame_socket& socket = on->socket;
    if (const auto usable = on->socket.usable(); !usable)
        return errno_of(usable.error());
    made.on = &socket;
    made.to_receive = made.to_receive && socket.receives();
    made.to_send = made.to_send && socket.sends();
    if ((made.to_receive && socket.is_receiving()) || (made.to_send && socket.is_sending()))
        at_once = true;
    return 0;
}

/// What the item is ready for.
short events_of(const zmq_pollitem_t& item, const wait_item& done) noexcept
{
    bool readable = done.readable, writable = done.writable;
    if (done.on != nullptr) {
        const auto& socket = static_cast<const frame_socket&>(*done.on);
        readable = readable || socket.is_receiving();
        writable = writable || socket.is_sending();
    }
    const bool receives = (item.events & ZMQ_POLLIN) != 0 && done.to_receive;
    const bool sends = (item.events & ZMQ_POLLOUT) != 0 && done.to_send;
    return static_cast<short>((receives && readable ? ZMQ_POLLIN : 0) |
                              (sends && writable ? ZMQ_POLLOUT : 0) |
                              (done.failed ? ZMQ_POLLERR : 0) | (done.urgent ? ZMQ_POLLPRI : 0));
}

int poll(std::span<zmq_pollitem_t> items, long milliseconds)
{
    std::vector<wait_item> waits;
    if (!try_resize(waits, static_cast<std::size_t>(std::ranges::count_if(items, is_watched))))
        return fail(ENOMEM);
    bool at_once = false;
    std::size_t next = 0;
    for (zmq_pollitem_t& each : items) {
        each.revents = 0;
        if (!is_watched(each))
            continue;
        if (const int wrong = prepare(waits[next++], each, at_once); wrong != 0)
            return fail(wrong);
    }
    const auto waited =
        wait_interruptibly(waits, at_once ? timeout(no_wait) : limit_of(milliseconds));
    if (!waited && waited.error() != errc::timed_out && waited.error() != errc::would_block)
        return answer(waited);
    int ready = 0;
    next = 0;
    for (zmq_pollitem_t& each : items) {
        if (!is_watched(each))
            continue;
        each.revents = events_of(each, waits[next++]);
        ready += each.revents != 0 ? 1 : 0;
    }
    return ready;
}

} // namespace

} // namespace slk::libzmq

int zmq_poll(zmq_pollitem_t* items, int count, long timeout_ms)
{
    using namespace slk::libzmq;
    if (count < 0)
        return fail(EINVAL);
    if (items == nullptr && count > 0)
        return fail(EFAULT);
    return poll({items, static_cast<std::size_t>(count)}, timeout_ms);
}
