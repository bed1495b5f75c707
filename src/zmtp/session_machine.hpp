// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SESSION_MACHINE_HPP
#define SLK_ZMTP_SESSION_MACHINE_HPP

/// The state machine of one connection's ZMTP session, and nothing else: no bytes, no clock.
///
///    actions = machine.step(options, now, input)
///
/// The session (session.hpp) parses the bytes, passes their meaning to the machine, and encodes the
/// output that the machine asks for. The machine promises:
///
///  - Each side's steps come in the order of the mechanism (RFC 23 for NULL, RFC 24 for PLAIN, RFC
///    26 for CURVE); any other step of the peer ends the session. NULL is symmetric, as libzmq's
///    is.
///  - A peer that the owner does not take is not told READY, if the owner's READY comes last.
///  - One deadline covers greeting and handshake.
///  - `failed` is final, with a reason; a new connection gets a new machine.
///  - A raw session has no handshake and asks for no output.

#include "zmtp/session_options.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>

namespace slk::zmtp {

/// Whether a session has ended because its peer did not answer.
[[nodiscard]] bool is_silence(const error& reason) noexcept;

enum class session_state : std::uint8_t {
    idle,
    greeting,
    awaiting_identity, ///< of a 2.0 peer
    awaiting_hello,
    authenticating, ///< the owner decides about the peer's credentials, for as long as it likes
    awaiting_welcome,
    awaiting_initiate,
    awaiting_ready,
    admitting, ///< the owner decides whether it takes the peer
    ready,
    failed,
};
inline constexpr std::size_t session_state_count = 11;

enum class session_event : std::uint8_t {
    start,
    signature, ///< the peer's first ten bytes are those of 2.0 or later
    revision, ///< which version it is
    greeted, ///< all 64 bytes, of the same mechanism
    identity, ///< a 2.0 peer's socket type and identity
    command, ///< one that is well formed
    accepted, ///< by the owner
    refused, ///< by the owner
    received, ///< bytes of any kind
    sent, ///< messages, and the owner wants to know whether the peer reads them
    ping_taken, ///< by the system
    paused, ///< this side does not receive at present
    resumed, ///< it receives again
    timer, ///< due() has come
    violation, ///< of the protocol or of a limit
    ended, ///< the peer has closed
};
inline constexpr std::size_t session_event_count = 16;

[[nodiscard]] std::string_view name_of(session_state state) noexcept;
[[nodiscard]] std::string_view name_of(session_event event) noexcept;

struct session_input {
    session_event event = session_event::start;
    version speaks = version::v3_1; ///< revision, greeted
    command_name command = command_name::unknown;
    duration ttl{}; ///< command PING
    error failure{}; ///< violation; command ERROR; refused
    /// timer: the peer may be busy with what it was sent, and its system is alive. Silence is then
    /// no sign of a dead peer.
    bool lives = false;
    /// timer: the answer to a PING shows what the peer has read. Otherwise a peer that was heard
    /// during the last interval gets no PING: it might have closed behind what it sends, and the
    /// PING would make its system throw the rest away.
    bool asks_what_was_read = true;
    bool silently = false; ///< refused: without an ERROR
};

/// Items that can be sent, in the order in which they go out.
enum class output : std::uint8_t {
    signature,
    major, ///< the first byte of the version
    rest, ///< of the greeting
    type_and_identity, ///< to a 2.0 peer
    hello,
    welcome,
    initiate,
    ready,
    error,
    pong,
    ping,
};
inline constexpr std::size_t output_count = 11;

/// A set of outputs.
class outputs {
public:
    constexpr outputs() = default;
    constexpr outputs(std::initializer_list<output> which) noexcept
    {
        for (const output each : which)
            bits_ |= bit(each);
    }

    [[nodiscard]] constexpr bool has(output which) const noexcept
    {
        return (bits_ & bit(which)) != 0;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
    constexpr void add(outputs more) noexcept { bits_ |= more.bits_; }
    constexpr void remove(output which) noexcept { bits_ &= ~bit(which); }
    friend constexpr bool operator==(outputs, outputs) noexcept = default;

private:
    static constexpr std::uint32_t bit(output which) noexcept
    {
        return std::uint32_t{1} << static_cast<unsigned>(which);
    }

    std::uint32_t bits_ = 0;
};

struct session_actions {
    outputs send{};
};

/// One legal move; see connecter_transition.
struct session_transition {
    session_state from;
    session_event event;
    session_state to;
    const char* when;
};

/// The specification: docs/states.md and its diagram are made from it, the tests walk it.
[[nodiscard]] std::span<const session_transition> session_transitions() noexcept;

class session_machine {
public:
    /// An input without a row for the present state changes nothing and asks for nothing.
    session_actions step(const session_options& options, time_point now,
                         const session_input& input) noexcept;

    [[nodiscard]] session_state state() const noexcept { return state_; }
    /// The reason of `failed`.
    [[nodiscard]] const error& reason() const noexcept { return reason_; }
    /// The version of the connection, known after the peer's greeting.
    [[nodiscard]] version speaks() const noexcept { return speaks_; }
    /// The time at which `timer` is to be the next input; never, if nothing is planned. An early
    /// one does nothing.
    [[nodiscard]] time_point due() const noexcept;
    /// The peer has been silent for too long: `timer` ends the session unless the peer lives.
    [[nodiscard]] bool suspects(time_point now) const noexcept
    {
        return now >= std::min(silent_at_, ttl_ends_);
    }
    /// The peer answers PINGs: its version of the protocol has them, or it has sent one or a PONG.
    [[nodiscard]] bool peer_answers_pings() const noexcept { return peer_answers_pings_; }

private:
    session_actions start(const session_options& options, time_point now) noexcept;
    session_actions decide(const session_options& options, version peer) noexcept;
    session_actions begin_handshake(const session_options& options, version peer) noexcept;
    session_actions await_ready(const session_options& options) noexcept;
    session_actions meet(const session_options& options, time_point now) noexcept;
    session_actions accept(const session_options& options, time_point now) noexcept;
    session_actions refuse(const session_options& options, const session_input& input) noexcept;
    session_actions take(const session_options& options, time_point now,
                         const session_input& input) noexcept;
    session_actions become_ready(const session_options& options, time_point now,
                                 outputs send) noexcept;
    session_actions take_heartbeat(time_point now, const session_input& input) noexcept;
    session_actions pause(const session_options& options, time_point now) noexcept;
    session_actions resume(const session_options& options, time_point now) noexcept;
    session_actions expire(const session_options& options, time_point now,
                           const session_input& input) noexcept;
    [[nodiscard]] duration sign_interval(const session_options& options) const noexcept;
    session_actions fail(error reason) noexcept;
    [[nodiscard]] bool running() const noexcept;
    void hear(time_point now) noexcept;
    void stop_waiting() noexcept;

    session_state state_ = session_state::idle;
    version speaks_ = version::v3_1;
    bool major_held_back_ = false;
    bool rest_held_back_ = false;
    time_point handshake_ends_ = never;
    bool peer_answers_pings_ = false;
    bool reading_ = true; ///< not paused
    bool ping_taken_ = false; ///< the system has taken the PING that is not answered
    bool owes_sign_ = false; ///< it has paused since the last sign of life
    /// When the last PING with a ttl was due, if the peer may be waiting for another sign of life.
    time_point promised_at_ = never;
    time_point next_ping_ = never; ///< while paused: the next sign of life
    time_point silent_at_ = never; ///< the end of the wait for any answer to a PING
    time_point ttl_ends_ = never; ///< what the peer's last PING asked for
    time_point pinged_at_{}; ///< the last PING, or the end of the handshake
    time_point heard_at_{};
    time_point heard_ping_ = never; ///< the peer's last PING
    duration peer_interval_{}; ///< between the peer's PINGs; 0: not known
    error reason_{};
};

} // namespace slk::zmtp

#endif
