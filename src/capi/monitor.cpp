// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "capi/handles.hpp"
#include "io/os/wall_clock.hpp"

#include <algorithm>
#include <iterator>

namespace slk::capi {

namespace {

/// What an event is in the C API; one may be two.
struct event_numbers {
    event_kind of;
    int first;
    int second = 0;
};

constexpr event_numbers table_of_events[]{
    {event_kind::listening, SLK_EVENT_LISTENING},
    {event_kind::bind_failed, SLK_EVENT_BIND_FAILED},
    {event_kind::accepted, SLK_EVENT_ACCEPTED, SLK_EVENT_HANDSHAKE_START},
    {event_kind::connected, SLK_EVENT_HANDSHAKE_START},
    {event_kind::closed, SLK_EVENT_CLOSED},
    {event_kind::handshake_succeeded, SLK_EVENT_HANDSHAKE_OK, SLK_EVENT_CONNECTED},
    {event_kind::handshake_failed_no_detail, SLK_EVENT_HANDSHAKE_FAIL},
    {event_kind::handshake_failed_protocol, SLK_EVENT_HANDSHAKE_FAIL},
    {event_kind::handshake_failed_auth, SLK_EVENT_HANDSHAKE_FAIL},
    {event_kind::disconnected, SLK_EVENT_DISCONNECTED},
    {event_kind::heartbeat_answered, SLK_EVENT_HEARTBEAT_OK},
    {event_kind::heartbeat_missed, SLK_EVENT_HEARTBEAT_FAIL},
};

/// The kinds that `events`, as in slk_socket_monitor(), asks for.
event_set kinds_of(int events) noexcept
{
    event_set wanted;
    for (const event_numbers& each : table_of_events)
        if ((events >> each.first & 1) != 0 ||
            (each.second != 0 && (events >> each.second & 1) != 0))
            wanted = wanted.with(each.of);
    return wanted;
}

struct listener {
    slk_socket_t* socket;
    slk_monitor_fn callback;
    void* user_data;
    int events;

    void operator()(const event& what) const
    {
        const auto row = std::ranges::find(table_of_events, what.kind, &event_numbers::of);
        if (row == std::end(table_of_events))
            return;
        for (const int number : {row->first, row->second})
            if (number != 0 && (events >> number & 1) != 0)
                call(number, what);
    }

private:
    void call(int number, const event& what) const
    {
        slk_event_t made{};
        made.event = number;
        if (!what.routing_id.empty()) {
            made.peer_id = what.routing_id.data();
            made.peer_id_len = what.routing_id.size();
        }
        made.endpoint = what.endpoint.empty() ? nullptr : what.endpoint.c_str();
        // The peer has ended the connection in order.
        made.err = what.reason == errc::end_of_stream ? 0 : code_of(what.reason);
        made.timestamp = io::os::wall_clock_milliseconds();
        callback(socket, &made, user_data);
    }
};

} // namespace

} // namespace slk::capi

using namespace slk::capi;

int slk_socket_monitor(slk_socket_t* socket, slk_monitor_fn callback, void* user_data, int events)
{
    const socket_call call(socket);
    if (call.code() != 0)
        return fail_with(call.code());
    if (callback == nullptr) {
        socket->monitor.reset();
        return 0;
    }
    slk::event_options options;
    options.kinds = kinds_of(events);
    if (!slk::try_allocate(
            [&] { options.handler = listener{socket, callback, user_data, events}; }))
        return fail_with(SLK_ENOMEM);
    auto stream = slk::event_stream::of(call.socket(), std::move(options));
    if (!stream)
        return fail_with(code_of(stream.error()));
    socket->monitor = std::move(*stream);
    return 0;
}
