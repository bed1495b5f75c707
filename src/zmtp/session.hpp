// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SESSION_HPP
#define SLK_ZMTP_SESSION_HPP

/// The ZMTP session of one connection: bytes and time in, bytes to send and arrivals out.
///
/// The session holds no bytes. The owner receives into its own memory and passes the session the
/// run of bytes that it has not consumed yet:
///
///    arrival = session.receive(now, run)
///
///  - Consumed bytes are not needed any more. The others must be passed again, contiguous with the
///    bytes after them; `need` is the number of further bytes that are worth a new call.
///  - Bytes that stay unconsumed are at most a greeting, a handshake, a command or a body just
///    below large_body: that much space is enough, and no peer can require more.
///  - Message frames stay in place: an arrival names the range in which they lie complete, with
///    their headers. A large body is announced with the bytes of it that are there; the rest may be
///    received anywhere, and is reported by body_received(). The peer claims its size: without a
///    message limit, memory is better taken as the bytes arrive.
///
/// Output is encoded when the owner asks for it, directly into the owner's buffer. After `failed`
/// the owner sends the pending output, and closes.
///
/// For one thread at a time. The options must outlive the session, which trusts them: check() them
/// first.

#include "zmtp/session_machine.hpp"

namespace slk::zmtp {

enum class arrival_kind : std::uint8_t {
    need, ///< at least `need` more bytes are needed
    messages, ///< `found` message frames lie in `data`
    body, ///< of the large frame `frame`, `data` is here and body_left() is to come
    subscription, ///< `subscribe` or cancel `data`; only PUB and XPUB have it
    /// ask_before_keys: the peer's HELLO is there, and costs cryptography. The next receive() looks
    /// at it.
    hello,
    /// A PLAIN `client`, the key of a CURVE client, or ask_with_null: accept() or refuse() it, now
    /// or later.
    authenticate,
    admit, ///< ask_about_peer: accept() makes the session ready, reject() ends it; see `peer`
    ready, ///< the handshake is over; the peer is `peer`
    flush, ///< transmit() first, then call again
    failed, ///< see failure()
};

/// All views lie in the run. Of CURVE, `peer` and the key lie in the session, until the next
/// receive().
struct arrival {
    arrival_kind kind = arrival_kind::need;
    std::size_t consumed = 0; ///< bytes of the run, including this arrival's
    std::size_t need = 0;
    byte_view data{};
    scanned found{};
    frame_header frame{};
    bool subscribe = false;
    credentials client{}; ///< of authenticate
    peer_metadata peer{};
};

class session {
public:
    explicit session(const session_options& options) noexcept : options_(options) {}

    void start(time_point now) noexcept { step(now, {.event = session_event::start}); }

    /// Returns the next arrival in the run. To be called again with the rest of the run until the
    /// kind is need, flush or failed. Before start() nothing is needed. Reports at most
    /// `max_messages` complete messages at once, at least one.
    [[nodiscard]] arrival receive(time_point now, byte_view run,
                                  std::uint64_t max_messages = UINT64_MAX) noexcept;

    /// The owner stops receiving, and receives again. In between the peer's silence says nothing,
    /// and the peer, whose PINGs are not seen, gets a PONG from time to time.
    void pause(time_point now) noexcept { step(now, {.event = session_event::paused}); }
    void resume(time_point now) noexcept { step(now, {.event = session_event::resumed}); }

    /// What has come of a message whose last part has not. An owner that scans frames itself while
    /// it receives past the session counts them here.
    [[nodiscard]] message_progress& begun() noexcept { return begun_; }

    /// The bytes of the large body that are still to come.
    [[nodiscard]] std::uint64_t body_left() const noexcept { return body_left_; }
    /// Bytes of the body that were received elsewhere; at most body_left().
    void body_received(time_point now, std::uint64_t count) noexcept;
    /// Bytes were received that are not in a run yet: a sign of life.
    void heard(time_point now) noexcept { step(now, {.event = session_event::received}); }

    /// CURVE only, else null: what seals and opens the frames of messages. Once it is ready,
    /// receive() takes frames as they are without CURVE, and so does their owner send them: both
    /// are to be changed on the way. transmit() seals its own.
    [[nodiscard]] curve_peer* sealing() const noexcept { return curve_.get(); }

    /// The owner's decisions about `authenticate`, and about `admit`. The status is ZAP's (RFC 27):
    /// 300 for a temporary refusal, 400 for a final one, 500 for an internal error.
    void accept(time_point now) noexcept { step(now, {.event = session_event::accepted}); }
    void refuse(time_point now, int status) noexcept;
    /// After `admit`. `silently`: the peer gets no ERROR, and sees the connection end.
    void reject(time_point now, rejection why, bool silently) noexcept;

    /// When nothing can be sent now: the PING before is not answered, the next one is.
    void skip_pong() noexcept { pending_.remove(output::pong); }
    /// What is pending when the session is ready is not to be sent at all.
    void skip_heartbeats() noexcept
    {
        pending_.remove(output::pong);
        pending_.remove(output::ping);
    }

    /// The peer has closed its side.
    void ended(time_point now) noexcept { step(now, {.event = session_event::ended}); }

    /// To be called when due() has come; an earlier call does nothing. `lives` and
    /// `asks_what_was_read`: see session_input; the former matters only if the session suspects()
    /// that the peer is dead.
    void tick(time_point now, bool lives = false, bool asks_what_was_read = true) noexcept
    {
        session_input input{.event = session_event::timer};
        input.lives = lives;
        input.asks_what_was_read = asks_what_was_read;
        step(now, input);
    }
    [[nodiscard]] bool suspects(time_point now) const noexcept { return machine_.suspects(now); }
    [[nodiscard]] bool peer_answers_pings() const noexcept { return machine_.peer_answers_pings(); }
    [[nodiscard]] time_point due() const noexcept { return machine_.due(); }

    /// The number of bytes that transmit() would write into a large enough buffer.
    [[nodiscard]] std::size_t pending() const noexcept;
    /// Writes pending output, each item complete, as far as there is room; returns the number of
    /// bytes.
    std::size_t transmit(std::span<std::byte> into) noexcept;

    // What was sent before a PING has been read when it is answered. PINGs are counted from 1 on.

    /// Messages were sent since the last answer: a PING is to follow soon.
    void ask_what_was_read(time_point now) noexcept
    {
        step(now, {.event = session_event::sent});
        if (!suspects(now))
            tick(now);
    }
    /// The last PING that transmit() has written.
    [[nodiscard]] std::uint32_t last_ping() const noexcept { return last_ping_; }
    /// A PING is to be sent that was not transmitted yet.
    [[nodiscard]] bool has_ping() const noexcept { return pending_.has(output::ping); }
    [[nodiscard]] bool has_pong() const noexcept { return pending_.has(output::pong); }
    /// The system has taken the last PING: the wait for its answer begins.
    void ping_taken(time_point now) noexcept { step(now, {.event = session_event::ping_taken}); }
    /// Returns true once after a PING or a PONG was received.
    [[nodiscard]] bool take_heartbeat() noexcept { return std::exchange(heard_heartbeat_, false); }
    /// A PING that the peer has answered, and all before it; 0: none. A peer may omit answers, so
    /// that later ones may have been answered too.
    [[nodiscard]] std::uint32_t answered_ping() const noexcept { return answered_ping_; }

    [[nodiscard]] session_state state() const noexcept { return machine_.state(); }
    [[nodiscard]] const error& failure() const noexcept { return machine_.reason(); }
    [[nodiscard]] version speaks() const noexcept { return machine_.speaks(); }

private:
    session_actions step(time_point now, const session_input& input) noexcept;
    void violate(time_point now, const error& failure) noexcept;

    void receive_greeting(time_point now, byte_view run, arrival& next) noexcept;
    void receive_old_identity(time_point now, byte_view rest, arrival& next) noexcept;
    void receive_handshake(time_point now, byte_view rest, arrival& next) noexcept;
    [[nodiscard]] result<session_input>
    read_handshake_command(time_point now, const command_view& seen, arrival& next) noexcept;
    [[nodiscard]] result<void> read_curve_command(time_point now, const command_view& seen,
                                                  arrival& next) noexcept;
    void report_metadata(arrival& next) noexcept;
    void receive_traffic(time_point now, byte_view rest, std::uint64_t max_messages,
                         arrival& next) noexcept;
    void receive_body(byte_view rest, arrival& next) noexcept;
    void receive_frame(time_point now, byte_view rest, arrival& next) noexcept;
    void receive_command(time_point now, byte_view body, arrival& next) noexcept;
    void receive_pong(time_point now, byte_view context) noexcept;
    [[nodiscard]] bool may_be_subscription(const frame_header& frame,
                                           byte_view body) const noexcept;
    [[nodiscard]] error_spelling spelling() const noexcept;
    [[nodiscard]] std::string_view error_reason() const noexcept;
    [[nodiscard]] std::size_t size_of(output which) const noexcept;
    void write(writer& out, output which) const noexcept;
    [[nodiscard]] std::size_t size_of_curve(output which) const noexcept;
    void write_curve(writer& out, output which) const noexcept;
    void write_sealed(writer& out, byte_view frame) const noexcept;
    [[nodiscard]] std::size_t heartbeat_size(std::size_t frame) const noexcept;

    const session_options& options_;
    session_machine machine_;
    message_progress begun_{};
    outputs pending_{};
    std::uint8_t pong_size_ = 0;
    std::uint8_t pongs_ = 1; ///< of that context, when one is pending
    bool heard_heartbeat_ = false;
    bool told_hello_ : 1 = false; ///< ask_before_keys
    bool metadata_waits_ : 1 = false; ///< CURVE: it is known, and was not reported
    std::array<std::byte, max_ping_context> pong_context_{};
    std::uint32_t last_ping_ = 0;
    std::uint32_t answered_ping_ = 0;
    std::optional<rejection> rejected_;
    std::uint32_t handshake_bytes_ = 0;
    std::uint64_t body_left_ = 0;
    frame_header large_frame_{};
    std::unique_ptr<curve_peer> curve_;
};

} // namespace slk::zmtp

#endif
