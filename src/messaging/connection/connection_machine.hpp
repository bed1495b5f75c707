// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_CONNECTION_MACHINE_HPP
#define SLK_MESSAGING_CONNECTION_CONNECTION_MACHINE_HPP

/// The state machine of one peer's connection, and nothing else: no stream, no lane, no clock.
///
///     actions = machine.step(input)
///
/// A peer of connect() has one stream after another, a peer of bind() has one. The driver
/// (connection.hpp) tells the machine what has happened and does what it asks for. The machine
/// promises:
///
///  - Nothing of an ended stream is in flight when the next one begins, or when the end is
///    reported: `ending` lasts until everything that was under way has come back.
///  - Each stream is reported once: as a handshake that failed, or as a peer that connected and
///    later disconnected. A handshake that the socket itself ends by closing is not reported.
///  - `closed` is final.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace slk::messaging {

enum class connection_state : std::uint8_t {
    waiting,     ///< no stream; the link may bring one
    handshaking, ///< a stream, and greeting and handshake are under way
    ready,       ///< messages flow
    ending,      ///< the stream is over or drains; operations are still under way
    closed,      ///< no other stream follows
};
inline constexpr std::size_t connection_state_count = 5;

enum class connection_event : std::uint8_t {
    stream,    ///< the link or the listener brings a stream
    handshaken,///< the handshake is over
    lost,      ///< the stream failed, the peer broke the protocol or fell silent, or the socket
               ///< disconnects the peer
    close,     ///< the socket closes the connection for good
    returned,  ///< nothing of the ended stream is under way any more
};
inline constexpr std::size_t connection_event_count = 5;

[[nodiscard]] std::string_view name_of(connection_state state) noexcept;
[[nodiscard]] std::string_view name_of(connection_event event) noexcept;

/// What the driver has to do, in this order.
enum class connection_action : std::uint8_t {
    close_stream,        ///< at once; operations under way will come back
    drain_stream,        ///< finish sending, wait for the peer's end, then close
    report_failed,       ///< tell the socket that the handshake failed
    report_disconnected, ///< tell the socket; for good if the state is `closed`
    finish,              ///< let go of the pipe, and tell the owner that the end has come
    begin,               ///< begin the greeting on the stream
    keep_stream,         ///< the stream waits until the present one has ended
    report_connected,    ///< tell the socket, then send messages
};
inline constexpr std::size_t connection_action_count = 8;

/// A set of actions.
class connection_actions {
public:
    constexpr connection_actions() = default;
    constexpr connection_actions(std::initializer_list<connection_action> which) noexcept
    {
        for (const connection_action each : which)
            add(each);
    }

    constexpr void add(connection_action which) noexcept { bits_ |= bit(which); }
    [[nodiscard]] constexpr bool has(connection_action which) const noexcept
    {
        return (bits_ & bit(which)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    friend constexpr bool operator==(connection_actions, connection_actions) noexcept = default;

private:
    static constexpr std::uint32_t bit(connection_action which) noexcept
    {
        return std::uint32_t{1} << static_cast<unsigned>(which);
    }

    std::uint32_t bits_ = 0;
};

struct connection_input {
    connection_event event = connection_event::stream;
    /// close: the peer may still be reading what was sent, so the stream is drained.
    bool drain = false;
};

/// One legal move; see connecter_transition.
struct connection_transition {
    connection_state from;
    connection_event event;
    connection_state to;
    const char* when;
};

/// The specification: docs/states.md and its diagram are made from it, the tests walk it.
[[nodiscard]] std::span<const connection_transition> connection_transitions() noexcept;

class connection_machine {
public:
    /// `single`: the first stream is the only one (a peer of bind()).
    explicit connection_machine(bool single) noexcept : single_(single) {}

    /// An input that has no row for the present state changes nothing and asks for nothing.
    connection_actions step(const connection_input& input) noexcept;

    [[nodiscard]] connection_state state() const noexcept { return state_; }
    /// There is a stream, and it has not ended.
    [[nodiscard]] bool has_stream() const noexcept
    {
        return state_ == connection_state::handshaking || state_ == connection_state::ready;
    }
    /// No other stream follows the present one.
    [[nodiscard]] bool last() const noexcept
    {
        return last_ || (single_ && state_ != connection_state::waiting);
    }
    /// The discrete part of the state: what an exhaustive search compares.
    [[nodiscard]] std::uint32_t fingerprint() const noexcept;

private:
    connection_actions begin() noexcept;
    connection_actions lose() noexcept;
    connection_actions close(bool drain) noexcept;
    connection_actions end() noexcept;

    connection_state state_ = connection_state::waiting;
    const bool single_;
    bool last_ = false;
    bool was_ready_ = false; ///< the stream that is ending
    bool draining_ = false;  ///< `ending` began with a drain
    bool kept_ = false;      ///< a stream waits
};

} // namespace slk::messaging

#endif
