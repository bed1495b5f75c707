// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LOOP_HPP
#define SERVERLINK_LOOP_HPP

/// slk::loop: an event loop for links, listeners and streams.
///
/// A loop is run by the caller's thread (run, run_for) or by a thread of its own (start_thread).
/// Callbacks are made on the thread that runs it, one at a time. Each class documents what other
/// threads may call; everything else is for the loop's thread only.
///
/// Besides that thread there are only the name-lookup threads, at most
/// loop_options::resolver_threads, started by the first endpoint that is a name.
///
/// Exceptions: no function that a caller gives to the library (handlers, posted work, conditions, a
/// lookup, an authenticator) may throw. If one does, the process ends by std::terminate(), after a
/// line on stderr that names the function and, of a std::exception, its text.
///
/// The end of a loop: handles may be destroyed before their loop or after it. The loop's destructor
/// calls handlers of links, and of streams, that still exist. The handlers of those that were
/// closed or destroyed before, and posted work, it destroys without a call. So an object may have
/// the loop as its first or as its last member.
///
/// fork(2): a child process may destroy or close its copies of loops, links, listeners and streams,
/// execute a program, exit, and make new ones. None of that waits for anything, calls a handler or
/// has an effect on the parent. The first copy that ends closes the child's descriptors of the
/// whole loop; memory stays allocated. Every other call returns errc::forked, or does nothing. A
/// child that does none of that keeps the parent's connections and ports open. A handler that forks
/// must not return in the child, but for one that is called from run(), run_for() or run_until(),
/// which then return.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/descriptor_watch.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>
#include <serverlink/timer.hpp>

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

/// Returns the addresses of a name. It may block: it is called on a lookup thread. The loop's end
/// does not wait for it, so what it uses must outlive it. It must not throw.
using name_lookup =
    std::function<result<std::vector<address>>(const std::string& host, std::uint16_t port)>;

/// The options of a loop.
struct loop_options {
    /// A name that compiled_backends() lists. Empty: the best that works on this system.
    std::string backend{};
    /// Replaces the machine's clock; must outlive the loop.
    clock* time = nullptr;
    /// Replaces the system's resolver (getaddrinfo).
    name_lookup lookup{};
    /// Threads for name lookups, 1 to 64. Equal names share one lookup.
    int resolver_threads = 4;
    /// Makes the delays of all links repeatable. If it is not set, the operating system seeds them.
    std::optional<std::uint64_t> seed{};
};

/// A backend that this build has and the system refused.
struct refused_backend {
    std::string_view name; ///< as compiled_backends() has it
    /// The system's error. `native` is its number: on Linux EPERM from a sandbox or from the sysctl
    /// kernel.io_uring_disabled, ENOSYS from a kernel without io_uring.
    error reason;
};

/// After a move, calls of the old object return invalid_state, or false, or nothing.
class SLK_API loop {
public:
    /// Errors: invalid_argument (an option out of range), not_supported (the backend is not
    /// available), and the system's error when it refuses the named backend or has no descriptors
    /// or memory left. Without a name, create() tries the next backend after a refusal.
    [[nodiscard]] static result<loop> create(loop_options options = {});

    loop(loop&& other) noexcept;
    loop& operator=(loop&& other) noexcept;
    /// Stops and joins the thread of start_thread, stops every link and listener, and closes every
    /// stream. Outstanding handlers of streams that are open are called with errc::cancelled before
    /// it returns. Handles that still exist become inert. Not from inside a callback.
    ~loop();

    /// Runs until stop(), on this thread. invalid_state if a thread runs it already, or from
    /// inside a callback. A stop() that came before counts.
    /// When the system's wait itself fails, run(), run_for() and run_until() try again, with
    /// pauses. They return the error only if it goes on failing or the time is over. Operations in
    /// flight stay so, and the loop may be run again. A thread of start_thread never stops trying.
    [[nodiscard]] result<void> run();
    /// Runs for `time` or until stop(). Zero: handles what is ready now, without waiting.
    [[nodiscard]] result<void> run_for(duration time);
    /// Runs until `done` returns true, for at most `timeout`. It is called at first and after every
    /// turn. Returns whether it returned true. invalid_argument if it is empty. It must not throw.
    [[nodiscard]] result<bool> run_until(const std::function<bool()>& done, duration timeout);
    /// Starts a thread that runs the loop until stop(). not_supported for a simulated loop.
    [[nodiscard]] result<void> start_thread();
    /// Makes run() return after the present turn, and joins the thread of start_thread unless
    /// called on it. Any thread.
    void stop();

    /// Calls `work` on the loop's thread, in the order of posting. Any thread. It must not throw.
    /// Work that still waits when the loop is destroyed is not called: what it uses may be gone.
    /// post() returns false, and `work` is never called, if the loop is closed already, `work` is
    /// empty, or memory is exhausted. True is no promise: the loop may be destroyed before `work`
    /// has its turn.
    bool post(std::function<void()> work);

    /// Calls `work` once on the loop's thread when `delay` has passed, from now on and not from the
    /// beginning of the present turn; never inside of this call, and not before the next turn. Zero
    /// and less: in the next turn. Calls that are due at the same time are made in the order of
    /// call_after(). On the loop's thread, or on any one while no thread runs the loop. `work` must
    /// not throw. It may cancel or destroy its own handle and others, and make new calls. The call
    /// ends with the loop: the function is then destroyed without a call.
    /// The time is that of loop_options::time, which the simulation sets to that of the loop's
    /// host: a clock that is set forwards makes calls due at once, and while it is behind a time
    /// that it has shown already, none are. The time that the machine is suspended does not count.
    /// Errors: invalid_argument (`work` is empty), invalid_state (another thread runs the loop; use
    /// post()), loop_closed, forked, out_of_memory.
    [[nodiscard]] result<timer> call_after(duration delay, std::function<void()> work);
    /// As call_after(), again and again: the first time after `period`, and then at each multiple
    /// of it. Calls do not pile up: a loop that is late makes one call, leaves the others out whose
    /// time has passed by the end of it, and keeps the rhythm. Further error: invalid_argument (a
    /// period of zero or less).
    [[nodiscard]] result<timer> call_every(duration period, std::function<void()> work);

    /// Calls `work` on the loop's thread in each turn in which the descriptor is readable or
    /// writable, as `wanted` says: by level, so that a function that leaves something to read is
    /// called again. A descriptor has one watch on a loop; another loop may watch it as well. On
    /// Windows it is a SOCKET. On the loop's thread, or on any one while no thread runs the loop.
    /// `work` must not throw. It may change, cancel and destroy its own watch and others. The watch
    /// ends with the loop: the function is then destroyed without a call.
    /// The watch is to be cancelled before its descriptor is closed. A descriptor that is closed
    /// while it is watched brings a last call with `failed`, or none any more, as the system may or
    /// may not notice it.
    /// Errors: invalid_argument (`work` is empty; no open descriptor; a regular file, a directory
    /// or a block device, which are always ready; on Windows not a socket), already_exists,
    /// not_supported (a device that the system cannot wait for; a simulated loop; "iocp", whose
    /// completion port shows no readiness: loop_options::backend = "select" does), invalid_state
    /// (another thread runs the loop; use post()), loop_closed, forked, out_of_memory, and the
    /// system's.
    [[nodiscard]] result<descriptor_watch> watch(std::intptr_t descriptor, watch_for wanted,
                                                 std::function<void(descriptor_state)> work);

    // Other event loops. A program that waits by itself, in epoll_wait(2), libuv, GLib or Qt, waits
    // there for event_handle() to become readable, for at most poll_timeout(), and then calls
    // run_for(duration::zero()); examples/foreign_loops shows it.

    /// Returns a descriptor that is readable while something has happened that run_for() is to
    /// handle: level-triggered, for poll(2) and its like. It shows no timers. It stays the loop's,
    /// which alone may read it. What happens while no thread waits or runs the loop is not lost.
    /// It is to be waited for by the thread that runs the loop: with io_uring the kernel completes
    /// requests on the thread that made them, and may end a wait there with EINTR, as signals do.
    /// Errors: not_supported ("select", and on Windows "iocp" too: start_thread() and post() do
    /// there what is wanted; a simulated loop), invalid_state (another thread runs the loop),
    /// loop_closed, forked.
    [[nodiscard]] result<std::intptr_t> event_handle();
    /// Returns the time after which run_for() is needed even if event_handle() does not become
    /// readable: zero if it is needed now, duration::max() if nothing is due. To be asked before
    /// each wait, because it also gives to the system what was begun since the last run. On the
    /// loop's thread; duration::max() on another one, and for a loop that was closed.
    [[nodiscard]] duration poll_timeout();

    /// Returns the loop's time at the beginning of the present turn. Any thread.
    [[nodiscard]] time_point now() const noexcept;
    /// Returns "epoll", "iocp", ...
    [[nodiscard]] std::string_view backend() const noexcept;
    /// Returns the backends that were tried before backend() and refused, best first. Empty if the
    /// best one of the build runs, or loop_options named the backend (the refusal of a named one is
    /// the error of create()). The span lives as long as the loop. Any thread.
    [[nodiscard]] std::span<const refused_backend> refused_backends() const noexcept;
    /// Returns the backends of this build, best first. Empty when memory is exhausted.
    [[nodiscard]] static std::vector<std::string_view> compiled_backends();

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<io::loop_core>& core() const noexcept { return core_; }

private:
    friend class simulation;
    explicit loop(std::shared_ptr<io::loop_core> core) noexcept;

    std::shared_ptr<io::loop_core> core_;
};

} // namespace slk

#endif
