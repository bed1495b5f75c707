// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_CONTEXT_HPP
#define SLK_LIBZMQ_CONTEXT_HPP

/// What a context's handle stands for.

#include <serverlink/context.hpp>

#include "io/os/nap.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace slk::libzmq {

/// Of slk::context_options.
inline constexpr int max_threads = 64;

/// ZMQ_ZERO_COPY_RECV, which the header does not name because it is a draft.
inline constexpr int zero_copy_receive_option = 10;

/// The options of a context, as the program has set them.
struct context_values {
    int io_threads = 1;
    int max_sockets = 1023;
    int max_message_size = 2147483647;
    int ipv6 = 0;
    int blocky = 1;
    int zero_copy_receive = 1;
    int sched_policy = -1;
    int priority = -1;
    int name_prefix = 0; ///< the option's number; 0: no prefix
    std::string name_prefix_text;
    std::vector<int> processors;
};

/// Any thread.
class context {
public:
    /// Null: it is none, or none any more.
    [[nodiscard]] static context* find(const void* handle) noexcept;
    /// Null: memory or the table of handles is exhausted, and errno is set.
    [[nodiscard]] static void* create() noexcept;
    /// Shuts it down, waits until its sockets are closed and what they send in the background is
    /// over, and destroys it. Returns 0; or EFAULT, or EINTR after a signal: then it may be called
    /// again.
    [[nodiscard]] static int terminate(void* handle) noexcept;

    void shut_down() noexcept;

    /// The C++ context, which is made with the first socket. Errors: cancelled, and those of
    /// slk::context::create().
    [[nodiscard]] result<slk::context*> made();
    /// One more socket is open. Errors: cancelled.
    [[nodiscard]] result<void> socket_opened() noexcept;
    /// Its connections are closed, or go on in the background.
    void socket_closed() noexcept;

    [[nodiscard]] int set(int option, int value) noexcept;
    [[nodiscard]] int get(int option) noexcept;
    /// Calls use(const context_values&).
    template <class Use>
    auto with_values(Use&& use) noexcept
    {
        const std::lock_guard lock(guard_);
        return use(values_);
    }

private:
    [[nodiscard]] bool wait_for_sockets() noexcept;
    [[nodiscard]] bool wait_for_background() noexcept;

    std::mutex guard_;
    context_values values_; ///< guarded
    std::optional<slk::context> made_; ///< guarded until it is made
    std::size_t open_ = 0; ///< guarded: sockets
    bool ending_ = false; ///< guarded
    // For the thread that terminates it.
    io::os::nap nap_;
    std::condition_variable change_;
};

} // namespace slk::libzmq

#endif
