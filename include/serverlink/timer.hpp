// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_TIMER_HPP
#define SERVERLINK_TIMER_HPP

/// slk::timer: the handle of a function that a loop calls later, once or again and again.
///
///     SLK_TRY(auto timeout, loop.call_after(5s, [&] { give_up(); }));
///     SLK_TRY(auto tick, loop.call_every(1s, [&] { print_status(); }));
///
/// loop::call_after() and loop::call_every() make it (serverlink/loop.hpp), on a loop of the system
/// and on a simulated one alike. The handle owns the call: when it is destroyed, the function is
/// not called any more.

#include <serverlink/export.hpp>

namespace slk {

namespace io {
class timed_call;
}

class SLK_API timer {
public:
    /// A handle without a call.
    timer() noexcept = default;
    timer(timer&& other) noexcept;
    /// Cancels the call that this handle had.
    timer& operator=(timer&& other) noexcept;
    /// As cancel().
    ~timer();

    /// Ends the call. Any thread. On the loop's thread, or while no thread runs the loop, the
    /// function is not called any more when cancel() returns; from inside of the function itself
    /// this is its last call. On another thread the function may be running, and may still begin
    /// once: what it uses must live until the loop's next turn. The function object is destroyed on
    /// the loop's thread, after its last call.
    void cancel() noexcept;

    /// Returns true while a call is still to come: from call_after() on until its function is
    /// called, and from call_every() on until cancel(). False once the loop is destroyed. Any
    /// thread.
    [[nodiscard]] bool active() const noexcept;

    /// Gives the handle up without ending the call, which is then ended only by the loop's end.
    void detach() noexcept;

    /// For the library itself.
    explicit timer(io::timed_call* core) noexcept : core_(core) {}

private:
    io::timed_call* core_ = nullptr;
};

} // namespace slk

#endif
