// SPDX-License-Identifier: MPL-2.0
#include "libzmq/monitor.hpp"

#include <libzmq/zmq.h>

#include <serverlink/endpoint.hpp>

#include "base/try_allocate.hpp"
#include "base/zmtp_fault.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>
#include <new>

namespace slk::libzmq {

namespace {

/// What a slow reader may leave unread, beside its own high-water mark.
constexpr std::uint32_t unread_events = 4000;
constexpr std::chrono::seconds max_stop(5);
/// Connections and listeners that are remembered: more than a process has descriptors for.
constexpr std::size_t max_known = 65'536;
constexpr unsigned all_event_bits = 0xffff;

/// What the number behind an event is.
enum class meaning : std::uint8_t {
    none,
    descriptor,
    reason,
    delay,
    in_progress,
    protocol,
    status
};

struct event_number {
    event_kind of;
    unsigned number;
    meaning value;
};

constexpr event_number event_numbers[]{
    {event_kind::connected, ZMQ_EVENT_CONNECTED, meaning::descriptor},
    {event_kind::connect_delayed, ZMQ_EVENT_CONNECT_DELAYED, meaning::in_progress},
    {event_kind::connect_retried, ZMQ_EVENT_CONNECT_RETRIED, meaning::delay},
    {event_kind::listening, ZMQ_EVENT_LISTENING, meaning::descriptor},
    {event_kind::bind_failed, ZMQ_EVENT_BIND_FAILED, meaning::reason},
    {event_kind::accepted, ZMQ_EVENT_ACCEPTED, meaning::descriptor},
    {event_kind::accept_failed, ZMQ_EVENT_ACCEPT_FAILED, meaning::reason},
    {event_kind::closed, ZMQ_EVENT_CLOSED, meaning::descriptor},
    {event_kind::disconnected, ZMQ_EVENT_DISCONNECTED, meaning::descriptor},
    {event_kind::stopped, ZMQ_EVENT_MONITOR_STOPPED, meaning::none},
    {event_kind::handshake_failed_no_detail, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, meaning::reason},
    {event_kind::handshake_succeeded, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, meaning::none},
    {event_kind::handshake_failed_protocol, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, meaning::protocol},
    {event_kind::handshake_failed_auth, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, meaning::status},
};

event_set watched_kinds() noexcept
{
    event_set wanted;
    for (const event_number& each : event_numbers)
        wanted = wanted.with(each.of);
    return wanted;
}

bool is_fault(const event& what, zmtp::fault which) noexcept
{
    return what.reason.native == static_cast<std::int32_t>(which);
}

bool is_handshake_failure(const event& what) noexcept
{
    return what.kind == event_kind::handshake_failed_protocol ||
           what.kind == event_kind::handshake_failed_no_detail;
}

/// No ZAP handler is there to be asked.
bool has_no_handler(const event& what) noexcept
{
    return what.kind == event_kind::handshake_failed_no_detail &&
           what.reason == errc::not_connected;
}

/// libzmq has no event for it.
bool is_left_out(const event& what) noexcept
{
    if (what.kind == event_kind::connect_delayed)
        return what.endpoint.starts_with("ipc://");
    if (what.kind == event_kind::disconnected) // by this side
        return what.reason == errc::cancelled;
    // The peer's ERROR has no status of ZAP.
    if (what.kind == event_kind::handshake_failed_auth && what.reason.native == 0)
        return true;
    return is_handshake_failure(what) && is_fault(what, zmtp::fault::unreported);
}

/// The reason is one of libzmq's numbers ZMQ_PROTOCOL_ERROR_*.
bool is_protocol_error(const event& what) noexcept
{
    return what.reason.native >= ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
}

/// The kind of event that libzmq reports.
event_kind kind_of(const event& what) noexcept
{
    // To libzmq a key that does not fit is an error of the protocol.
    if (what.kind == event_kind::handshake_failed_auth && is_protocol_error(what))
        return event_kind::handshake_failed_protocol;
    return is_handshake_failure(what) && is_fault(what, zmtp::fault::not_spoken)
               ? event_kind::handshake_failed_no_detail
               : what.kind;
}

std::uint32_t value_of(const event& what, meaning wanted, std::int32_t descriptor) noexcept
{
    switch (wanted) {
    case meaning::none: break;
    case meaning::descriptor: return static_cast<std::uint32_t>(descriptor);
    case meaning::reason:
        return has_no_handler(what) || is_fault(what, zmtp::fault::not_spoken)
                   ? EAGAIN
                   : static_cast<std::uint32_t>(errno_of(what.reason));
    case meaning::delay:
        return static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(what.delay).count());
    case meaning::in_progress: return EINPROGRESS;
    case meaning::protocol:
        return is_protocol_error(what) ? static_cast<std::uint32_t>(what.reason.native)
                                       : ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
    case meaning::status: return static_cast<std::uint32_t>(what.reason.native);
    }
    return 0;
}

} // namespace

result<std::unique_ptr<monitor>> monitor::create(context& in, const frame_socket& of,
                                                 std::string_view endpoint, unsigned events)
{
    SLK_TRY(slk::context* const within, in.made());
    socket_options options;
    options.send_high_water_mark = unread_events;
    options.linger = duration::zero();
    SLK_TRY(frame_socket pair, frame_socket::create(*within, socket_type::pair, options));
    SLK_TRY(pair.bind(endpoint));
    std::unique_ptr<monitor> made(new (std::nothrow) monitor(std::move(pair), events));
    if (made == nullptr)
        return slk::fail(errc::out_of_memory, phase::setup);
    event_options wanted;
    wanted.kinds = watched_kinds();
    // Small enough for std::function to allocate nothing.
    wanted.handler = [by = made.get()](const event& what) { by->report(what); };
    SLK_TRY(made->stream_, event_stream::of(of, std::move(wanted)));
    return made;
}

monitor::~monitor()
{
    if (stream_ && stream_->end()) {
        // Where memory is exhausted, the last event may be missing.
        std::unique_lock lock(guard_);
        (void)change_.wait_for(lock, max_stop, [this] { return stopped_; });
    }
    stream_.reset();
    pair_.close_in_background(duration::zero());
}

// --- the loop's thread ---

void monitor::remember(const event& what, bool connected) noexcept
{
    // Where events were lost, nobody takes theirs away.
    if (known_.size() >= max_known)
        known_.erase(known_.begin());
    known made{what.connection, static_cast<std::int32_t>(what.descriptor), connected, {}};
    if (what.connection == 0 && !try_assign(made.listener, what.endpoint))
        return;
    (void)try_push_back(known_, std::move(made));
}

const monitor::known* monitor::find(const event& what) const noexcept
{
    const auto found = std::ranges::find_if(known_, [&](const known& each) {
        return each.connection == what.connection &&
               (each.connection != 0 || each.listener == what.endpoint);
    });
    return found != known_.end() ? &*found : nullptr;
}

void monitor::forget(const known& which) noexcept
{
    known_.erase(known_.begin() + (&which - known_.data()));
}

void monitor::write(unsigned number, std::uint32_t value, std::string_view endpoint) noexcept
{
    if ((events_ & number) == 0)
        return;
    std::array<std::byte, 6> frame;
    const auto short_number = static_cast<std::uint16_t>(number);
    std::memcpy(frame.data(), &short_number, sizeof short_number);
    std::memcpy(frame.data() + sizeof short_number, &value, sizeof value);
    if (pair_.send(frame, true, no_wait) &&
        !pair_.send(bytes_of(endpoint.data(), endpoint.size()), false, no_wait))
        pair_.give_message_up();
}

void monitor::report(const event& what) noexcept
{
    const auto row = std::ranges::find(event_numbers, kind_of(what), &event_number::of);
    if (row == std::end(event_numbers))
        return;
    if (what.kind == event_kind::stopped) {
        if (stopped_)
            return;
        write(row->number, 0, {});
        // Under the lock: the thread that waits may destroy this.
        const std::lock_guard lock(guard_);
        stopped_ = true;
        change_.notify_one();
        return;
    }
    if (what.kind == event_kind::connected || what.kind == event_kind::accepted ||
        what.kind == event_kind::listening)
        remember(what, what.kind == event_kind::connected);
    const known* const which = find(what);
    if (has_no_handler(what))
        write(row->number, EFAULT, what.endpoint);
    if (!is_left_out(what))
        write(row->number, value_of(what, row->value, which != nullptr ? which->descriptor : -1),
              what.endpoint);
    if (which != nullptr &&
        (what.kind == event_kind::disconnected || what.kind == event_kind::closed))
        forget(*which);
}

} // namespace slk::libzmq

using namespace slk::libzmq;

int zmq_socket_monitor(void* socket, const char* endpoint, int events)
{
    socket_object* const of = socket_object::find(socket);
    if (of == nullptr)
        return fail(ENOTSOCK);
    if (const auto usable = of->socket.usable(); !usable)
        return answer(usable);
    if ((static_cast<unsigned>(events) & ~all_event_bits) != 0)
        return fail(EINVAL);
    if (endpoint == nullptr) {
        of->watched.reset();
        return 0;
    }
    const auto parsed = slk::endpoint::parse(endpoint);
    if (!parsed)
        return fail(parsed.error() == slk::errc::not_supported ? EPROTONOSUPPORT : EINVAL);
    if (parsed->transport != slk::transport::inproc)
        return fail(EPROTONOSUPPORT);
    of->watched.reset();
    auto made = monitor::create(of->within, of->socket, endpoint, static_cast<unsigned>(events));
    if (!made)
        return answer(made);
    of->watched = std::move(*made);
    return 0;
}
