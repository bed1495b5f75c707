// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_STREAM_CORE_HPP
#define SLK_LINK_STREAM_CORE_HPP

/// The implementation of slk::stream: one socket, one receive, one send, and an observer of its
/// end.

#include <serverlink/stream.hpp>

#include "base/block_pool.hpp"
#include "base/ref_counted.hpp"
#include "io/loop_core.hpp"

#include <memory>
#include <vector>

namespace slk::link_detail {

/// Notified by a stream, on the loop's thread. It may not use the stream from inside.
class stream_observer {
public:
    /// The first byte from the peer has arrived.
    virtual void stream_received() noexcept = 0;
    /// The stream is over: called once. `reason` is end_of_stream if the peer had finished,
    /// cancelled if this side closed it, or the failure of a transfer.
    virtual void stream_ended(const error& reason) noexcept = 0;

protected:
    ~stream_observer() = default;
};

/// Transfers on a stream's descriptor from other threads. Both calls are made on the loop's thread.
class descriptor_user {
public:
    /// The stream is over: no transfer may begin any more. Returns false if another thread is
    /// inside a transfer at this moment. The socket then stays open, under its number, until
    /// stream_core::descriptor_returned() is called.
    virtual bool release_descriptor() noexcept = 0;
    /// The loop ends while a close is put off: returns when no thread is inside a transfer. The
    /// socket is closed then, as if descriptor_returned() had been called.
    virtual void wait_for_descriptor() noexcept = 0;

protected:
    ~descriptor_user() = default;
};

class stream_core final : public ref_counted<stream_core>, public io::resident {
public:
    /// Returns null when memory is exhausted; the socket is then still the caller's.
    [[nodiscard]] static stream_core* create(std::shared_ptr<io::loop_core> loop,
                                             io::socket_id socket, const address& local,
                                             const address& peer, stream_observer* observer);

    result<void> receive(std::span<std::byte> buffer, stream::handler done);
    result<void> send(std::span<const std::byte> bytes, stream::handler done);
    result<void> send(std::span<const std::span<const std::byte>> pieces, stream::handler done);
    result<void> shutdown_send();
    /// A send that is under way is finished first. `done` gets no error if the peer has read what
    /// was sent up to its end, and has finished too.
    result<void> close_after_drain(duration timeout, std::function<void(error)> done);
    /// Closes the socket, or puts that off while the descriptor's user needs it, and notifies
    /// the observer of `reason`.
    void end(const error& reason, io::close_mode mode) noexcept;
    /// The observer leaves: it is not notified any more, and the socket is closed.
    void retract() noexcept;
    /// The user's handle is gone. Any thread.
    void abandon(io::close_mode mode, const error& reason = closed_here) noexcept;
    /// The handle, and so the handlers, are not the user's.
    void belongs_to_library() noexcept { of_library_ = true; }
    static constexpr error closed_here{errc::cancelled, phase::transfer, 0, "closed by its owner"};

    void loop_closing() noexcept override;

    /// One user at a time; null: none. Ignored once the stream is over: the user that a close
    /// waits for must live until it has returned the descriptor. On the loop's thread.
    void lend_descriptor(descriptor_user* user) noexcept
    {
        if (socket_)
            descriptor_user_ = user;
        of_library_ = of_library_ || user != nullptr;
    }
    /// Closes the socket whose close was put off. To be called once, by the user whose
    /// release_descriptor() returned false, when no thread is inside a transfer. Ignored when
    /// wait_for_descriptor() came first. On the loop's thread.
    void descriptor_returned() noexcept;

    [[nodiscard]] const io::loop_core& loop() const noexcept { return *loop_; }
    [[nodiscard]] const address& local() const noexcept { return local_; }
    [[nodiscard]] const address& peer() const noexcept { return peer_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    /// Bytes that the system has taken; with those that it may have taken of a send that failed.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::intptr_t native_handle() const noexcept;
    // See the functions of these names in poller.hpp.
    [[nodiscard]] bool peer_has_finished() const noexcept
    {
        return loop_->io().peer_has_finished(socket_);
    }
    [[nodiscard]] bool peer_may_have_finished() const noexcept
    {
        return loop_->io().peer_may_have_finished(socket_);
    }
    [[nodiscard]] bool peer_acknowledges(duration within) const noexcept
    {
        return loop_->io().peer_acknowledges(socket_, within);
    }

private:
    friend class ref_counted<stream_core>;

    stream_core(std::shared_ptr<block_pool> home, std::shared_ptr<io::loop_core> loop,
                io::socket_id socket, const address& local, const address& peer,
                stream_observer* observer);
    ~stream_core() = default;
    void dispose() noexcept;

    [[nodiscard]] result<void> usable() const noexcept;
    void receive_completed() noexcept;
    void send_completed() noexcept;
    void submit_send() noexcept;
    template <class Handler, class Outcome>
    void report(const char* name, const Handler& done, const Outcome& outcome) noexcept;
    void finish_send(result<std::size_t> outcome) noexcept;
    void drain_more() noexcept;
    void drain_ended(error reason) noexcept;
    void close_socket(io::socket_id socket, io::close_mode mode) noexcept;

    std::shared_ptr<block_pool> home_; ///< the pool of its memory
    std::shared_ptr<io::loop_core> loop_;
    io::socket_id socket_; ///< null: the stream is over
    io::socket_id lent_socket_; ///< its close is put off until descriptor_user_ returns it
    address local_;
    address peer_;
    stream_observer* observer_;
    descriptor_user* descriptor_user_ = nullptr;
    io::close_mode lent_socket_mode_ = io::close_mode::graceful;
    io::close_mode abandoned_with_ = io::close_mode::graceful;
    bool finished_receiving_ = false; ///< the peer has finished sending
    bool finished_sending_ = false;
    bool draining_ = false;
    bool handle_gone_ = false;
    bool of_library_ = false;

    io::receive_operation receive_;
    io::send_operation send_;
    io::timer drain_timer_;
    io::task close_task_;
    stream::handler on_received_;
    stream::handler on_sent_;
    std::function<void(error)> on_drained_;
    error abandoned_because_{};

    /// The rest of the present send: the pieces from next_piece_ on, the first of them beginning at
    /// offset_.
    std::span<const std::span<const std::byte>> pieces_;
    std::span<const std::byte> single_;
    std::size_t next_piece_ = 0;
    std::size_t offset_ = 0;
    std::size_t total_ = 0;
    std::span<const std::byte> rest_of_piece_;
    std::vector<std::span<const std::byte>> rest_;

    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

} // namespace slk::link_detail

#endif
