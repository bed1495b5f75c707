// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_DESCRIPTOR_WATCH_HPP
#define SERVERLINK_DESCRIPTOR_WATCH_HPP

/// slk::descriptor_watch: the handle of a function that a loop calls while a descriptor of the
/// program is readable or writable: a pipe, a terminal, a socket of another library, a signalfd.
///
///     SLK_TRY(auto input, loop.watch(STDIN_FILENO, slk::watch_for::readable,
///                                    [&](slk::descriptor_state) { read_line(); }));
///
/// loop::watch() makes it (serverlink/loop.hpp). The descriptor stays the program's: the loop
/// reads and writes nothing, and changes nothing of it.

#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>

namespace slk {

namespace io {
class watch_call;
}

/// What a watch waits for.
enum class watch_for : std::uint8_t {
    nothing, ///< the watch is paused: its function is not called
    readable,
    writable,
    both,
};

/// What the function of a watch is called with. Only what it waits for is reported as readable or
/// writable, and both are after a failure and at the end of a stream: the next read or write tells.
struct descriptor_state {
    bool readable = false; ///< a read would not wait
    bool writable = false; ///< a write would not wait
    /// The descriptor has failed, or its other end is closed (POLLERR and POLLHUP of poll(2), as
    /// far as the backend reports them). select(2) does so only beside readable or writable; on
    /// Windows it is a connect that failed, or urgent data, seen while the watch waits for
    /// writable.
    bool failed = false;
};

class SLK_API descriptor_watch {
public:
    /// A handle without a watch.
    descriptor_watch() noexcept = default;
    descriptor_watch(descriptor_watch&& other) noexcept;
    /// Cancels the watch that this handle had.
    descriptor_watch& operator=(descriptor_watch&& other) noexcept;
    /// As cancel().
    ~descriptor_watch();

    /// Ends the watch; to be called before the descriptor is closed. On the loop's thread, or while
    /// no thread runs the loop, the function is not called any more when it returns, and the loop
    /// does not hold the descriptor; from inside of the function itself this is its last call. On
    /// another thread that is so later: as in timer::cancel() the function object is destroyed on
    /// the loop's thread, and the descriptor must stay open until then.
    void cancel() noexcept;

    /// Changes what the watch waits for. From inside of the function, too. On the loop's thread.
    /// Errors: invalid_state (no watch, or it has ended; not the loop's thread), loop_closed,
    /// forked, out_of_memory, and the system's.
    result<void> set(watch_for wanted);

    /// Returns false once the watch has ended: by cancel(), by the loop's end, or because the
    /// system no longer lets it wait, as for a descriptor that was closed. In the last case the
    /// function is called once more, with `failed`. Any thread.
    [[nodiscard]] bool active() const noexcept;

    /// For the library itself.
    explicit descriptor_watch(io::watch_call* core) noexcept : core_(core) {}

private:
    io::watch_call* core_ = nullptr;
};

} // namespace slk

#endif
