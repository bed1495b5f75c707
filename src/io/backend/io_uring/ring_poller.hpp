// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_RING_POLLER_HPP
#define SLK_IO_BACKEND_IO_URING_RING_POLLER_HPP

/// The poller on a ring. The requests to the kernel are in submissions.cpp, its completions in
/// completions.cpp, the end of sockets in closing.cpp, and the wait in io_uring_poller.cpp.

#include "io/backend/eventfd/wake_event.hpp"
#include "io/backend/io_uring/awaited_receives.hpp"
#include "io/backend/io_uring/gathers.hpp"
#include "io/backend/io_uring/pending.hpp"
#include "io/backend/io_uring/ring.hpp"
#include "io/system_poller.hpp"

namespace slk::io::uring {

// The keys of completions: an operation's address; the same with the lowest bit set for its
// cancellation; a watch's id; or the wake's; or that of a request that was withdrawn, or whose
// outcome does not matter.
inline constexpr std::uint64_t wake_key = 2;
inline constexpr std::uint64_t withdrawn_key = 0;
inline constexpr std::uint64_t cancellation_bit = 1;
inline constexpr std::uint64_t watch_bit = 4;
static_assert(alignof(operation) > watch_bit);

[[nodiscard]] inline std::uint64_t key_of(const operation& op) noexcept
{
    return reinterpret_cast<std::uintptr_t>(&op);
}

[[nodiscard]] inline operation& operation_of(std::uint64_t key) noexcept
{
    return *reinterpret_cast<operation*>(static_cast<std::uintptr_t>(key & ~cancellation_bit));
}

// The mark of a watch's index is left out, and makes room for the bits above.
[[nodiscard]] inline std::uint64_t key_of(socket_id watch) noexcept
{
    constexpr std::uint32_t places = watch_table::mark >> 3;
    return std::uint64_t{watch.generation} << 32 | (watch.index & (places - 1)) << 3 | watch_bit;
}

[[nodiscard]] inline socket_id watch_of(std::uint64_t key) noexcept
{
    return {static_cast<std::uint32_t>(key) >> 3 | watch_table::mark,
            static_cast<std::uint32_t>(key >> 32)};
}

/// The maximum of interruptions, and of peers that were lost before they were accepted, in a row.
inline constexpr std::uint16_t max_retries = 16;

[[nodiscard]] inline phase phase_of(operation_kind kind) noexcept
{
    switch (kind) {
    case operation_kind::connect: return phase::connect;
    case operation_kind::accept: return phase::accept;
    case operation_kind::receive:
    case operation_kind::send: return phase::transfer;
    }
    return phase::none;
}

class ring_poller final : public system_poller {
public:
    explicit ring_poller(clock& time) noexcept : system_poller(time) {}
    ~ring_poller() override = default;

    result<void> start();

    [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
    void wake() noexcept override { wake_.set(); }
    void close_copies() noexcept override;
    void flush_submissions() noexcept override;
    [[nodiscard]] bool has_unsubmitted() const noexcept override
    {
        return !wake_armed_ || !backlog_.empty() || !without_room_.empty() || ring_.prepared() != 0;
    }
    [[nodiscard]] native_handle wait_handle() const noexcept override { return ring_.descriptor(); }
    [[nodiscard]] const direct_transfers* direct() const noexcept override;

protected:
    result<void> shutdown_send_of(const socket_entry& entry) override;
    void connect_locally(connect_operation& op, socket_entry& entry);
    void start_connect(connect_operation& op, socket_entry& entry) override;
    void start_accept(accept_operation& op, socket_entry& entry) override;
    void start_receive(receive_operation& op, socket_entry& entry) override;
    void start_send(send_operation& op, socket_entry& entry) override;
    void start_cancel(operation& op, socket_entry& entry) override;
    result<void> attach(socket_id, socket_entry&) override { return {}; }
    result<void> check_watch(native_handle handle) override;
    result<void> start_watch(watch& entry) override;
    void stop_watch(watch& entry) noexcept override;
    void release(socket_entry& entry, close_mode mode) override;
    result<void> wait(time_point until) override;
    void abandon() override;

private:
    // To the kernel.
    void submit(operation& op, std::span<const iovec> parts = {});
    bool prepare(operation& op, std::span<const iovec> parts = {});
    void prepare_attempt(io_uring_sqe& sqe, operation& op, std::span<const iovec> parts);
    void cancel_in_kernel(operation& op);
    bool prepare_cancellation(operation& op);
    bool prepare_poll(watch& entry);
    void prepare_polls();
    void arm_wake();
    void drain_backlog();
    void submit_prepared();

    // From the kernel.
    unsigned take_completions();
    void completed(operation& op, int result);
    void cancellation_completed(operation& op);
    void ended(operation& op, int result);
    void again(operation& op, stage at);
    bool resubmitted(operation& op, int result);
    void end_connect(connect_operation& op, int result);
    void end_connect_poll(connect_operation& op, int result);
    void end_accept(accept_operation& op, int result);
    void end_transfer(operation& op, int result);
    void finish(operation& op, const error& failure);
    void start_following(list<operation>& siblings);
    void poll_completed(socket_id id, int result);

    // Closed sockets.
    void orphan(socket_entry& entry, close_mode mode);
    void finish_orphan(operation& op, const error& failure);

    // Waiting.
    result<void> try_out();
    int enter(duration timeout);
    int sleep_at_sockets(duration timeout);
    int relieve(duration timeout);

    ring ring_;
    backlog backlog_;
    gathers gathers_;
    awaited_receives receives_;
    list<operation> orphans_; ///< in flight on sockets that are closed
    list<watch> without_room_; ///< armed, and there was no room for the request
    wake_event wake_; ///< every write is an event to a multishot poll
    bool flushed_ = false; ///< by flush_submissions(), since the last sleep
    bool wake_armed_ = false;
    bool progress_ = false; ///< an operation completed, or wake() was called
};

} // namespace slk::io::uring

#endif
