// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LOOP_HPP
#define SERVERLINK_LOOP_HPP

/// slk::loop: the thread of links, listeners and streams, or rather what that thread runs.
///
/// A loop is run by the caller's thread (run, run_for) or by a thread of its own (start_thread).
/// Callbacks are made on the thread that runs it, one at a time. Everything else about threads is
/// said at each class; what is not, is for the loop's thread only.
///
/// Besides that thread there are only the name-lookup threads, at most
/// loop_options::resolver_threads, started by the first endpoint that is a name.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

namespace io {
class loop_core;
}
class simulation;

/// Answers "which addresses has this name": may block, is called on a lookup thread.
using name_lookup =
    std::function<result<std::vector<address>>(const std::string& host, std::uint16_t port)>;

struct loop_options {
    /// A name that compiled_backends() lists. Empty: the best that works on this system.
    std::string backend{};
    /// Replaces the machine's clock; must outlive the loop.
    clock* time = nullptr;
    /// Replaces the system's resolver (getaddrinfo).
    name_lookup lookup{};
    /// Threads for name lookups, 1 to 64. Equal names share one lookup.
    int resolver_threads = 4;
    /// Makes the delays of all links repeatable. Not set: seeded by the operating system.
    std::optional<std::uint64_t> seed{};
};

/// A backend that this build has and the system refused.
struct refused_backend {
    std::string_view name;
    /// What the system answered. `native` is its number: on Linux EPERM from a sandbox or from the
    /// sysctl kernel.io_uring_disabled, ENOSYS from a kernel without it.
    error why;
};

class SLK_API loop {
public:
    /// Errors: invalid_argument (an option out of range), not_supported (the backend is not
    /// available), and what the system says when it refuses the named backend or has no
    /// descriptors or memory left. Without a name a refused backend makes room for the next one.
    [[nodiscard]] static result<loop> create(loop_options options = {});

    loop(loop&& other) noexcept;
    loop& operator=(loop&& other) noexcept;
    /// Stops and joins the thread of start_thread, stops every link and listener, closes every
    /// stream; outstanding callbacks are made with errc::cancelled before it returns. Handles
    /// that still exist become inert. Not from inside a callback.
    ~loop();

    /// Runs until stop(), on this thread. invalid_state if a thread runs it already, or from
    /// inside a callback. A stop() that came before counts.
    /// When the system's wait itself fails, this and the next two try again, with pauses, and
    /// answer with the error only if it goes on failing or the time is over. What was under way
    /// stays so, and they may be called again. A thread of start_thread never stops trying.
    result<void> run();
    /// Runs for that long or until stop(). Zero: what is ready now, without waiting.
    result<void> run_for(duration time);
    /// Runs until `done` answers true (asked at first and after every turn), for at most that long.
    /// True if it did.
    result<bool> run_until(const std::function<bool()>& done, duration timeout);
    /// Starts a thread that runs the loop until stop(). not_supported for a simulated loop.
    result<void> start_thread();
    /// Makes run return after the present turn, and joins the thread of start_thread unless
    /// called on it. Any thread.
    void stop();

    /// Calls `work` on the loop's thread, in the order of posting. Any thread. What waits while
    /// the loop is being destroyed is called by the destructor, so what it uses must outlive the
    /// loop; afterwards post answers false, and `work` is never called.
    bool post(std::function<void()> work);

    /// The loop's time at the beginning of the present turn. Any thread.
    [[nodiscard]] time_point now() const noexcept;
    /// "epoll", "iocp", ...
    [[nodiscard]] std::string_view backend() const noexcept;
    /// Why this loop does not run on a better backend: those that were tried before backend() and
    /// refused, best first. Empty if the best one of the build runs, or loop_options named it (a
    /// named one that is refused is the error of create). It lives as long as the loop. Any thread.
    [[nodiscard]] std::span<const refused_backend> refused_backends() const noexcept;
    /// The backends of this build, best first.
    [[nodiscard]] static std::vector<std::string_view> compiled_backends();

    /// The library's own.
    [[nodiscard]] const std::shared_ptr<io::loop_core>& core() const noexcept { return core_; }

private:
    friend class simulation;
    explicit loop(std::shared_ptr<io::loop_core> core) noexcept;

    std::shared_ptr<io::loop_core> core_;
};

} // namespace slk

#endif
