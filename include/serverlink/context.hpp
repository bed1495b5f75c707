// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CONTEXT_HPP
#define SERVERLINK_CONTEXT_HPP

/// slk::context: what sockets live in: the loops that carry their bytes, and the names of inproc.
///
/// With loop threads (one by default) the threads that use sockets do not wait for the network.
/// Without any, the thread that calls a socket runs the loop itself, for as long as the call
/// lasts: that has the latency of the bare connection, and nothing happens between the calls.
/// Sockets and their code are the same.

#include <serverlink/export.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>

#include <cstddef>
#include <memory>

namespace slk {

namespace messaging {
class context_core;
}

struct context_options {
    /// Threads that each run a loop, 0 to 64. Connections are spread over them as they are made.
    /// With 0 all sockets of the context are for one thread at a time, together.
    int threads = 1;
    /// Sockets that may be open at a time; more are errc::too_many_descriptors.
    std::size_t max_sockets = 1023;
    /// For each loop.
    loop_options loop{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Moved, not copied. Its calls may be made from any thread.
class SLK_API context {
public:
    /// Errors: invalid_argument (an option), and what loop::create and loop::start_thread say.
    [[nodiscard]] static result<context> create(context_options options = {});
    /// On a loop of the caller's, which must outlive the context: another thread may run it, or
    /// nobody; then it is run by the thread that calls a socket. This is how sockets get onto a
    /// simulated network.
    [[nodiscard]] static result<context> on(loop& carrier);

    context(context&& other) noexcept;
    context& operator=(context&& other) noexcept;
    /// As shutdown(). Sockets that still exist are inert, and may be destroyed later.
    ~context();

    /// Every call of a socket that waits, and every later one, answers errc::cancelled, except for
    /// close(). Any thread.
    void shutdown();

    /// The library's own.
    [[nodiscard]] const std::shared_ptr<messaging::context_core>& core() const noexcept
    {
        return core_;
    }

private:
    explicit context(std::shared_ptr<messaging::context_core> core) noexcept;

    std::shared_ptr<messaging::context_core> core_;
};

} // namespace slk

#endif
