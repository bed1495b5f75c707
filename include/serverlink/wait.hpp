// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_WAIT_HPP
#define SERVERLINK_WAIT_HPP

/// slk::wait: waits for the first of several sockets, streams of events and descriptors that has
/// something to do.
///
///     slk::wait_item items[] = {{.on = &jobs}, {.on = &control}, {.descriptor = 0}};
///     SLK_TRY(slk::wait(items, 1s));
///     if (items[0].readable) ...
///
/// A socket that is reported as readable or writable stays so until it is used: that call does not
/// wait.

#include <serverlink/export.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace slk {

class event_stream;

/// What to wait for, and what has come of it.
struct wait_item {
    /// A socket; null: something else.
    socket* on = nullptr;
    /// A stream of events (serverlink/events.hpp) without a handler, if there is no socket; null: a
    /// descriptor.
    event_stream* events = nullptr;
    /// Anything that poll(2) takes; on Windows a SOCKET, of which nothing is changed.
    std::intptr_t descriptor = -1;
    /// Wait until there is something to receive.
    bool to_receive = true;
    /// Wait until there is room to send.
    bool to_send = false;
    /// A descriptor only: wait for its failure too.
    bool to_fail = false;
    /// A descriptor only: wait for urgent data too (POLLPRI of poll(2); on Windows as `failed`).
    bool to_urgent = false;
    /// A descriptor only: a failure alone makes it neither `readable` nor `writable`, and one that
    /// is closed is `failed`, and no error of wait(). On Windows it is an error of wait() all the
    /// same.
    bool apart = false;

    // Set by wait().

    /// There is something to receive, or an event; a descriptor is readable at its end and after a
    /// failure too, and a stream at its end.
    bool readable = false;
    /// A message would be queued at once; a descriptor is writable after a failure too.
    bool writable = false;
    /// A descriptor only: it has failed, or its other end is closed (POLLERR and POLLHUP of
    /// poll(2)). On Windows it is what select() calls an exception, a connect that failed or urgent
    /// data, and looked for only if the item is `to_send` or `to_fail`.
    bool failed = false;
    /// A descriptor only: there is urgent data.
    bool urgent = false;
};

/// Waits until at least one item is ready, and returns the number of ready items. The sockets are
/// used by this thread, as in every call. Sockets of contexts without threads must all be of the
/// same context. Errors: timed_out, would_block, cancelled (also: a context was shut down),
/// not_supported (descriptors with a context without threads, on a backend that has no
/// event_handle(); on Windows none has one), invalid_argument (no items, an item without a socket
/// or a descriptor, an empty socket or stream, a stream with a handler, a descriptor that is not
/// open, contexts that do not go together), out_of_memory.
[[nodiscard]] SLK_API result<std::size_t> wait(std::span<wait_item> items,
                                               const timeout& limit = {});

/// As wait(), but a handler of a signal that runs on this thread while it sleeps ends it, whether
/// or not the handler was installed with SA_RESTART. Without items it sleeps. Further error:
/// interrupted. No effect on Windows, whose handlers run on other threads.
[[nodiscard]] SLK_API result<std::size_t> wait_interruptibly(std::span<wait_item> items,
                                                             const timeout& limit = {});

} // namespace slk

#endif
