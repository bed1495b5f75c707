// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_STREAM_CORE_HPP
#define SLK_LINK_STREAM_CORE_HPP

/// What slk::stream is made of: one socket, one receive, one send, and somebody to tell when it
/// is over.

#include <serverlink/stream.hpp>

#include "base/block_pool.hpp"
#include "base/ref_counted.hpp"
#include "io/loop_core.hpp"

#include <memory>
#include <vector>

namespace slk::link_detail {

/// Told by a stream, on the loop's thread. The stream may not be touched from inside.
class stream_observer {
public:
    /// The first byte from the peer has arrived.
    virtual void stream_received() noexcept = 0;
    /// The stream is over, and why: told once. end_of_stream if the peer had finished, cancelled
    /// if this side closed it, or the failure of a transfer.
    virtual void stream_ended(const error& reason) noexcept = 0;

protected:
    ~stream_observer() = default;
};

/// Who uses a stream's descriptor on another thread: asked to stop before it is closed.
class descriptor_user {
public:
    /// On the loop's thread. Afterwards the descriptor is not touched any more.
    virtual void descriptor_ends() noexcept = 0;

protected:
    ~descriptor_user() = default;
};

class stream_core final : public ref_counted<stream_core>, public io::resident {
public:
    /// Null when memory is exhausted; the socket is then still the caller's.
    [[nodiscard]] static stream_core* create(std::shared_ptr<io::loop_core> loop,
                                             io::socket_id socket, const address& local,
                                             const address& peer, stream_observer* observer);

    result<void> receive(std::span<std::byte> buffer, stream::handler done);
    result<void> send(std::span<const std::byte> bytes, stream::handler done);
    result<void> send(std::span<const std::span<const std::byte>> pieces, stream::handler done);
    result<void> shutdown_send();
    result<void> close_after_drain(duration timeout, std::function<void(error)> done);
    /// Closes the socket and tells the observer `reason`.
    void end(const error& reason, io::close_mode mode) noexcept;
    /// The observer leaves: it is told nothing more, and the socket is closed.
    void retract() noexcept;
    /// The user's handle is gone. Any thread.
    void abandon(io::close_mode mode, const error& reason = closed_here) noexcept;
    static constexpr error closed_here{errc::cancelled, phase::transfer, 0, "closed by its owner"};

    void loop_closing() noexcept override;

    /// One at a time; null: nobody. On the loop's thread.
    void lend_descriptor(descriptor_user* user) noexcept { borrower_ = user; }

    [[nodiscard]] const address& local() const noexcept { return local_; }
    [[nodiscard]] const address& peer() const noexcept { return peer_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::intptr_t native_handle() const noexcept;

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
    void finish_send(result<std::size_t> answer) noexcept;
    void drain_more() noexcept;
    void drain_ended(const error& reason) noexcept;

    std::shared_ptr<block_pool> home_; ///< where its memory goes back to
    std::shared_ptr<io::loop_core> loop_;
    io::socket_id socket_;
    address local_;
    address peer_;
    stream_observer* observer_;
    descriptor_user* borrower_ = nullptr;
    bool finished_receiving_ = false; ///< the peer has finished sending
    bool finished_sending_ = false;

    io::receive_operation receive_;
    io::send_operation send_;
    io::timer drain_timer_;
    io::task close_task_;
    stream::handler on_received_;
    stream::handler on_sent_;
    std::function<void(error)> on_drained_;
    bool draining_ = false;
    io::close_mode abandoned_with_ = io::close_mode::graceful;
    error abandoned_because_{};

    /// What of the present send is left: the pieces from next_piece_ on, the first of them
    /// beginning at offset_.
    std::span<const std::span<const std::byte>> pieces_;
    std::span<const std::byte> single_;
    std::size_t next_piece_ = 0;
    std::size_t offset_ = 0;
    std::size_t total_ = 0;
    std::vector<std::span<const std::byte>> rest_;

    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

} // namespace slk::link_detail

#endif
