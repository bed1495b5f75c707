// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SESSION_HPP
#define SLK_MESSAGING_SESSION_HPP

/// A session joins a connection, a ZMTP session and two lanes. It lives on its loop's thread.
///
/// A session of connect() outlives its connections: the link hands it one stream after the other,
/// and the lanes stay. A session of bind() has one connection, and makes its pipe when the
/// handshake is over. Either way the loop moves bytes: what the application has written into the
/// lane goes out as it is, and what arrives is received into the lane and only looked over.

#include <serverlink/stream.hpp>

#include "io/timer.hpp"
#include "link/stream_core.hpp"
#include "messaging/incoming.hpp"
#include "messaging/io_loop.hpp"
#include "messaging/outgoing.hpp"
#include "messaging/pipe.hpp"
#include "messaging/session_settings.hpp"
#include "zmtp/session.hpp"

#include <mutex>
#include <optional>

namespace slk::messaging {

/// Told by a session, on the loop's thread.
class session_observer {
public:
    /// The handshake of a connection is over.
    virtual void session_ready() noexcept = 0;
    /// A connection is over. Sessions of bind() are over with it.
    virtual void session_lost(const error& reason) noexcept = 0;

protected:
    ~session_observer() = default;
};

class session final : public far_end, public io::resident, public link_detail::descriptor_user {
public:
    /// Null when memory is exhausted. `pools`: of the thread that calls.
    [[nodiscard]] static reference<session> create(std::shared_ptr<carrier> on,
                                                   std::shared_ptr<const session_settings> settings,
                                                   reference<mailbox> owner,
                                                   lane::chunk_pools& pools);

    [[nodiscard]] const reference<lane_pair>& lanes() const noexcept { return lanes_; }
    /// Of connect(): there is a pipe from the beginning. Before anything else.
    void join(reference<pipe> near, std::uint64_t endpoint) noexcept
    {
        near_ = std::move(near);
        endpoint_ = endpoint;
    }
    /// Of bind(): makes a pipe when the handshake is over.
    void accept_for(std::uint64_t endpoint) noexcept
    {
        accepted_ = true;
        endpoint_ = endpoint;
    }
    [[nodiscard]] const std::shared_ptr<carrier>& on() const noexcept { return on_; }
    void observe(session_observer* observer) noexcept { observer_ = observer; }

    // On the loop's thread.

    /// The next connection.
    void begin(stream connection);
    /// Ends the connection, and the session: what has been sent is delivered as far as the peer
    /// takes it within that time. `done` is called when the connection is closed.
    void close(duration timeout, std::function<void()> done);
    void end(const error& reason) noexcept;
    [[nodiscard]] bool handshaking() const noexcept { return open_ && !ready_; }

    // Any thread: the pipe's calls.
    void lane_readable() noexcept override { ask(asked_send); }
    void lane_writable() noexcept override { ask(asked_receive); }
    void carry() noexcept override;
    bool send_now() noexcept override;
    bool receive_now(lane::chunk_pools& pools) noexcept override;
    void far_end_left(const error& reason) noexcept override;
    void far_end_disconnects(const error& reason) noexcept override;
    /// Handshake over, right now.
    [[nodiscard]] bool ready() const noexcept { return ready_.load(std::memory_order_acquire); }

    void loop_closing() noexcept override;
    bool release_descriptor() noexcept override;
    void wait_for_descriptor() noexcept override {}

private:
    session(std::shared_ptr<carrier> on, std::shared_ptr<const session_settings> settings,
            reference<mailbox> owner, reference<lane_pair> lanes) noexcept;
    ~session() override = default;

    void ask(std::uint32_t what) noexcept;
    void ask_because(std::uint32_t what, const error& reason) noexcept;
    [[nodiscard]] error far_reason() noexcept;
    void answer(std::uint32_t asked) noexcept;

    void begin_pending() noexcept;
    void take_back_sending() noexcept;
    void lend_receiving() noexcept;
    [[nodiscard]] error take_back_receiving() noexcept;
    [[nodiscard]] bool receive_small(const io::poller::direct_transfers& direct) noexcept;
    void send_more() noexcept;
    void watch() noexcept;
    [[nodiscard]] bool watches() const noexcept { return time_to_watch_ > duration::zero(); }
    [[nodiscard]] bool watch_on() noexcept;
    [[nodiscard]] bool rests() noexcept;
    void sent(const result<std::size_t>& answer) noexcept;
    void receive_more() noexcept;
    void received(const result<std::size_t>& answer) noexcept;
    void understand() noexcept;
    [[nodiscard]] bool take(const zmtp::arrival& told) noexcept;
    [[nodiscard]] bool take_messages(const zmtp::scanned& found) noexcept;
    [[nodiscard]] bool take_body(const zmtp::arrival& told) noexcept;
    void decide(const zmtp::credentials& who) noexcept;
    void become_ready(const zmtp::arrival& told) noexcept;
    void publish(std::uint64_t messages) noexcept;
    void keep_newest(conflation& kept, std::uint64_t messages) noexcept;
    void take_newest(conflation& kept) noexcept;
    [[nodiscard]] std::uint64_t mark() const noexcept
    {
        return lanes_->receive_mark.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint64_t byte_mark() const noexcept
    {
        return lanes_->receive_bytes.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint64_t credit() noexcept;
    void arm() noexcept;
    void lose(const error& reason) noexcept;
    void settle() noexcept;
    [[nodiscard]] time_point now() noexcept { return on_->core->io().now(); }

    const std::shared_ptr<carrier> on_;
    const std::shared_ptr<const session_settings> settings_;
    const reference<mailbox> owner_;
    const reference<lane_pair> lanes_;
    outgoing out_;
    incoming in_;
    reference<pipe> near_;
    session_observer* observer_ = nullptr;
    std::uint64_t endpoint_ = 0; ///< its number
    bool accepted_ = false; ///< there is one connection and no other
    std::string user_; ///< of a PLAIN client that was let in

    stream stream_;
    reference<link_detail::stream_core> wire_; ///< of stream_, until all has come back
    stream pending_; ///< the next connection, while the last one's operations come back
    std::optional<zmtp::session> protocol_;
    bool open_ = false; ///< there is a connection
    std::optional<error> lost_because_; ///< of a connection that was ready, while it ends
    std::atomic<bool> ready_{false};

    /// What the loop does not do at the moment, the thread that uses the socket may do by itself,
    /// on the descriptor: sending, while nothing is under way, and receiving, while this session
    /// has paused. Then it holds the lock, and what belongs to that is its.
    std::mutex lent_;
    bool sending_is_lent_ = false; ///< guarded
    bool receiving_is_lent_ = false; ///< guarded
    error caller_found_{}; ///< guarded: why it could not receive any more
    io::native_handle handle_ = io::invalid_handle;

    bool closed_ = false; ///< there will be no other
    bool sending_ = false;
    bool receiving_ = false;
    bool paused_ = false; ///< not receiving, for want of credit
    bool body_more_ = false; ///< parts follow the one whose body is being received
    std::size_t need_ = 0; ///< bytes that are worth a new look
    std::size_t offered_control_ = 0;
    bool caller_streams_ = false; ///< guarded: it has sent much at a time
    duration time_to_watch_{}; ///< guarded: the lane does not ring, the loop looks so often
    time_point watched_until_ = never;
    std::uint64_t sent_before_ = 0; ///< bytes of the connection before the present send
    std::uint64_t messages_sent_ = 0; ///< on this connection
    std::vector<std::byte> control_;
    std::vector<outgoing::piece> pieces_;

    io::timer timer_;
    io::task task_;
    std::atomic<std::uint32_t> asked_{0};
    static constexpr std::uint32_t asked_send = 1;
    static constexpr std::uint32_t asked_receive = 2;
    static constexpr std::uint32_t asked_end = 4;
    static constexpr std::uint32_t asked_disconnect = 8;
    error far_reason_{}; ///< guarded by lent_; written before the last two
    std::function<void()> closed_handler_;
};

} // namespace slk::messaging

#endif
