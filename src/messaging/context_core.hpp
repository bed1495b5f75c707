// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONTEXT_CORE_HPP
#define SLK_MESSAGING_CONTEXT_CORE_HPP

/// What slk::context is made of: its loops, the sockets that must be woken when it ends, and the
/// names of inproc.

#include <serverlink/context.hpp>

#include "base/reference.hpp"
#include "messaging/inproc.hpp"
#include "messaging/io_loop.hpp"
#include "messaging/mailbox.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace slk::messaging {

class context_core {
public:
    [[nodiscard]] static result<std::shared_ptr<context_core>>
    create(const context_options& wanted);
    [[nodiscard]] static std::shared_ptr<context_core> on(loop& of_user);

    /// The loop of the next connection or listener, among those that an affinity allows.
    [[nodiscard]] const std::shared_ptr<carrier>& next_carrier(std::uint64_t affinity) noexcept;
    /// Errors: invalid_argument (it allows a loop that is not there).
    [[nodiscard]] result<void> check_affinity(std::uint64_t affinity) const noexcept;
    /// Errors: too_many_descriptors, cancelled.
    result<void> add(const reference<mailbox>& socket);
    void remove(const reference<mailbox>& socket) noexcept;

    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }
    void shutdown() noexcept;
    /// The context is gone: so are its loops.
    void end() noexcept;

    /// No thread of the context's own runs its loop.
    [[nodiscard]] bool run_by_caller() const noexcept { return !threads_; }
    /// The loop that the caller's thread has to run if anything is to happen; null where other
    /// threads do that.
    [[nodiscard]] io::loop_core* to_run() const noexcept;
    /// The time for deadlines, on any thread that uses sockets.
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] std::uint64_t next_number() noexcept
    {
        return numbers_.fetch_add(1, std::memory_order_relaxed) + 1;
    }
    [[nodiscard]] std::uint64_t next_random() noexcept;
    /// Ends the wait of a caller that runs a loop. Any thread.
    void wake() noexcept;
    /// Whoever runs the loop himself lets it take notice of what is done already.
    void settle() noexcept
    {
        if (!threads_)
            settle_loop();
    }
    /// What was sent goes out before the caller does something else.
    void hand_over()
    {
        if (!threads_)
            hand_over_loop();
    }
    [[nodiscard]] inproc_names& names() noexcept { return names_; }

private:
    void settle_loop() noexcept;
    void hand_over_loop();

    std::vector<std::shared_ptr<carrier>> carriers_;
    bool threads_ = false; ///< the loops have threads of their own
    std::size_t max_sockets_ = SIZE_MAX;
    std::atomic<std::size_t> next_carrier_{0};
    std::atomic<std::uint64_t> numbers_{0};
    std::atomic<bool> stopped_{false};
    std::mutex guard_;
    std::vector<reference<mailbox>> sockets_; ///< guarded
    inproc_names names_;
};

} // namespace slk::messaging

#endif
