// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SESSION_HPP
#define SLK_ZMTP_SESSION_HPP

/// One connection's ZMTP session: bytes and time in, bytes to send and arrivals out.
///
/// The session holds no bytes. The owner receives into memory of its own and shows the session
/// the run of bytes that it has not yet consumed:
///
///     arrival = session.receive(now, run)
///
///  - What is consumed is done with. What is not must be shown again, in one piece with what comes
///    behind it; `need` says how many bytes more are worth a new call.
///  - Left unconsumed for want of bytes is never more than a greeting, a handshake, a command or
///    a body just below large_body: so much space is enough, and no peer can ask for more.
///  - Message frames stay where they are: an arrival names the range in which they lie whole, with
///    their headers. A large body is announced with as much of it as is there; the rest may be
///    received anywhere, and is reported by body_received(). Its size is the peer's word: without
///    a limit of messages, memory is better taken as the bytes come.
///
/// What is to be sent is encoded when the owner asks for it, straight into the owner's buffer.
/// After `failed` it sends what is pending, and closes.
///
/// One thread at a time. The options must outlive the session, which trusts them: check() first.

#include "zmtp/session_machine.hpp"

namespace slk::zmtp {

enum class arrival_kind : std::uint8_t {
    need,         ///< nothing more can be told without `need` bytes more
    messages,     ///< `found` message frames lie in `data`
    body,         ///< of the large frame `frame`, `data` is here and body_left() is to come
    subscription, ///< `subscribe` or cancel `data`; only PUB and XPUB have it
    authenticate, ///< a PLAIN client is `who`, or ask_with_null; answer: accept() or refuse()
    ready,        ///< the handshake is over; the peer is `peer`
    flush,        ///< transmit() first, then call again
    failed,       ///< see failure()
};

/// All views lie in the run.
struct arrival {
    arrival_kind kind = arrival_kind::need;
    std::size_t consumed = 0; ///< bytes of the run, up to and with what is told here
    std::size_t need = 0;
    byte_view data{};
    scanned found{};
    frame_header frame{};
    bool subscribe = false;
    credentials who{};
    peer_metadata peer{};
};

class session {
public:
    explicit session(const session_options& options) noexcept : options_(options) {}

    void start(time_point now) noexcept { step(now, {.event = session_event::start}); }

    /// The next thing that the run has. To be called again with the rest of the run until the
    /// kind is need, flush or failed. Before start() nothing is needed. Tells of at most
    /// `max_messages` whole messages, at least one.
    [[nodiscard]] arrival receive(time_point now, byte_view run,
                                  std::uint64_t max_messages = UINT64_MAX) noexcept;

    /// Nothing is received because the owner does not want to: that is no sign of the peer's death.
    void excuse(time_point now) noexcept { step(now, {.event = session_event::received}); }

    /// Bytes of the large body that is to come.
    [[nodiscard]] std::uint64_t body_left() const noexcept { return body_left_; }
    /// So many of them were received elsewhere; at most body_left().
    void body_received(time_point now, std::uint64_t count) noexcept;

    /// The owner's answers to `authenticate`. The status is ZAP's (RFC 27): 300 for now, 400 for
    /// good, 500 because of a failure of its own.
    void accept(time_point now) noexcept { step(now, {.event = session_event::accepted}); }
    void refuse(time_point now, int status) noexcept;

    /// After `flush`, when nothing can be sent now: the PING before is not answered, the next one
    /// is.
    void skip_pong() noexcept { pending_.remove(output::pong); }

    /// The peer has closed its side.
    void ended(time_point now) noexcept { step(now, {.event = session_event::ended}); }

    /// To be called when due() has come; never too early, it would do nothing.
    void tick(time_point now) noexcept { step(now, {.event = session_event::timer}); }
    [[nodiscard]] time_point due() const noexcept { return machine_.due(); }

    /// Bytes that transmit() would write into a buffer that is large enough.
    [[nodiscard]] std::size_t pending() const noexcept;
    /// Writes what is pending, each thing whole, as far as there is room; says how many bytes.
    std::size_t transmit(std::span<std::byte> into) noexcept;

    [[nodiscard]] session_state state() const noexcept { return machine_.state(); }
    [[nodiscard]] const error& failure() const noexcept { return machine_.reason(); }
    [[nodiscard]] version speaks() const noexcept { return machine_.speaks(); }

private:
    session_actions step(time_point now, const session_input& input) noexcept;
    void violate(time_point now, const error& failure) noexcept;

    void receive_greeting(time_point now, byte_view run, arrival& told) noexcept;
    void receive_old_identity(time_point now, byte_view rest, arrival& told) noexcept;
    void receive_handshake(time_point now, byte_view rest, arrival& told) noexcept;
    [[nodiscard]] result<session_input> read_handshake_command(const command_view& seen,
                                                               arrival& told) const noexcept;
    void receive_traffic(time_point now, byte_view rest, std::uint64_t max_messages,
                         arrival& told) noexcept;
    void receive_body(byte_view rest, arrival& told) noexcept;
    void receive_frame(time_point now, byte_view rest, arrival& told) noexcept;
    void receive_command(time_point now, byte_view body, arrival& told) noexcept;
    [[nodiscard]] bool may_be_subscription(const frame_header& frame,
                                           byte_view body) const noexcept;
    [[nodiscard]] error_spelling spelling() const noexcept;
    [[nodiscard]] std::size_t size_of(output which) const noexcept;
    void write(writer& out, output which) const noexcept;

    const session_options& options_;
    session_machine machine_;
    outputs pending_{};
    bool inside_message_ = false; ///< the last message frame had MORE
    std::uint8_t pong_size_ = 0;
    std::array<std::byte, max_ping_context> pong_context_{};
    std::size_t handshake_bytes_ = 0;
    std::uint64_t body_left_ = 0;
    frame_header large_frame_{};
};

} // namespace slk::zmtp

#endif
