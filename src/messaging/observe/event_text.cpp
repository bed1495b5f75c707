// SPDX-License-Identifier: MPL-2.0

// Events as text.

#include <serverlink/events.hpp>

#include "base/try_allocate.hpp"

#include <chrono>

namespace slk {

std::string_view name_of(event_kind value) noexcept
{
    switch (value) {
    case event_kind::listening: return "listening";
    case event_kind::bind_failed: return "bind_failed";
    case event_kind::accepted: return "accepted";
    case event_kind::accept_failed: return "accept_failed";
    case event_kind::accept_refused: return "accept_refused";
    case event_kind::closed: return "closed";
    case event_kind::connect_delayed: return "connect_delayed";
    case event_kind::connect_retried: return "connect_retried";
    case event_kind::link_state: return "link_state";
    case event_kind::connected: return "connected";
    case event_kind::name_lookup: return "name_lookup";
    case event_kind::handshake_succeeded: return "handshake_succeeded";
    case event_kind::handshake_failed_no_detail: return "handshake_failed_no_detail";
    case event_kind::handshake_failed_protocol: return "handshake_failed_protocol";
    case event_kind::handshake_failed_auth: return "handshake_failed_auth";
    case event_kind::disconnected: return "disconnected";
    case event_kind::peer_added: return "peer_added";
    case event_kind::peer_removed: return "peer_removed";
    case event_kind::stalled: return "stalled";
    case event_kind::recovered: return "recovered";
    case event_kind::heartbeat_answered: return "heartbeat_answered";
    case event_kind::heartbeat_missed: return "heartbeat_missed";
    case event_kind::set_aside: return "set_aside";
    case event_kind::subscribed: return "subscribed";
    case event_kind::unsubscribed: return "unsubscribed";
    case event_kind::dropped: return "dropped";
    case event_kind::events_lost: return "events_lost";
    case event_kind::stopped: return "stopped";
    }
    return "unknown";
}

std::string_view name_of(drop_reason value) noexcept
{
    switch (value) {
    case drop_reason::no_route: return "no_route";
    case drop_reason::full: return "full";
    case drop_reason::unsent: return "unsent";
    case drop_reason::discarded: return "discarded";
    case drop_reason::stale: return "stale";
    case drop_reason::expired: return "expired";
    }
    return "unknown";
}

namespace {

/// A line that is built piece by piece.
class event_line {
public:
    void add(std::string_view piece) noexcept { whole_ = whole_ && try_append(text_, piece); }
    void add(std::string_view before, std::string_view word) noexcept
    {
        if (word.empty())
            return;
        add(before);
        add(word);
    }
    void add(std::string_view before, std::uint64_t number) noexcept
    {
        add(before, std::string_view(number_text(static_cast<std::int64_t>(number))));
    }
    /// In quotes; what is not printable as \xHH.
    void add_bytes(std::string_view before, std::string_view bytes) noexcept
    {
        add(before);
        add("\"");
        add_printable(bytes);
        add("\"");
    }
    /// A text of the program, which may have anything in it where the program has made a mistake.
    void add_text(std::string_view before, std::string_view text) noexcept
    {
        if (text.empty())
            return;
        add(before);
        add_printable(text);
    }
    [[nodiscard]] std::string take() noexcept { return whole_ ? std::move(text_) : std::string(); }

private:
    void add_printable(std::string_view bytes) noexcept
    {
        for (const char each : bytes) {
            const auto value = static_cast<unsigned char>(each);
            constexpr std::string_view digits = "0123456789abcdef";
            if (value >= 0x20 && value < 0x7f && each != '"' && each != '\\') {
                add({&each, 1});
                continue;
            }
            add("\\x");
            add(digits.substr(value >> 4, 1));
            add(digits.substr(value & 15, 1));
        }
    }

    std::string text_;
    bool whole_ = true;
};

[[nodiscard]] std::uint64_t milliseconds_in(duration time) noexcept
{
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

} // namespace

std::string to_string(const event& what)
{
    event_line line;
    line.add(name_of(what.kind));
    line.add_text(" ", what.endpoint);
    if (what.address.family != address_family::none)
        line.add(" ", to_string(what.address));
    if (what.connection != 0)
        line.add(" connection ", what.connection);
    if (!what.routing_id.empty())
        line.add_bytes(" peer ", what.routing_id);
    if (what.generation != 0)
        line.add(" generation ", what.generation);
    if (what.kind == event_kind::link_state || what.kind == event_kind::connect_delayed ||
        what.kind == event_kind::connect_retried) {
        line.add(" ", name_of(what.from));
        line.add(" -> ", name_of(what.to));
        line.add(" attempt ", what.attempt);
    }
    if (what.kind == event_kind::connect_retried)
        line.add(" in ", milliseconds_in(what.delay));
    if (what.kind == event_kind::name_lookup) {
        line.add_text(" of ", what.name);
        line.add(" addresses ", what.count);
        line.add(" after ", milliseconds_in(what.delay));
    }
    if (what.kind == event_kind::heartbeat_answered)
        line.add(" after ", milliseconds_in(what.delay));
    if (what.kind == event_kind::connect_retried || what.kind == event_kind::name_lookup ||
        what.kind == event_kind::heartbeat_answered)
        line.add(" ms");
    if (what.kind == event_kind::subscribed || what.kind == event_kind::unsubscribed)
        line.add_bytes(" topic ", what.topic);
    if (!what.text.empty())
        line.add_bytes(" text ", what.text);
    if (what.kind == event_kind::dropped)
        line.add(" ", name_of(what.drop));
    if (what.kind == event_kind::dropped || what.kind == event_kind::set_aside ||
        what.kind == event_kind::events_lost)
        line.add(" count ", what.count);
    if (what.reason)
        line.add(" (", to_string(what.reason));
    if (what.reason)
        line.add(")");
    return line.take();
}

} // namespace slk
