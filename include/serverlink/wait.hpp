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

struct wait_item {
    /// A socket; null: something else.
    socket* on = nullptr;
    /// A stream of events (serverlink/events.hpp) without a handler, if there is no socket; null: a
    /// descriptor.
    event_stream* events = nullptr;
    /// Anything that poll(2) takes. Not on Windows.
    std::intptr_t descriptor = -1;
    bool to_receive = true;
    bool to_send = false;

    // Set by wait().

    /// There is something to receive, or an event; a descriptor is readable at its end and after a
    /// failure too, and a stream at its end.
    bool readable = false;
    /// A message would be queued at once.
    bool writable = false;
};

/// Waits until at least one item is ready, and returns the number of ready items. The sockets are
/// used by this thread, as in every call. Sockets of contexts without threads must all be of the
/// same context. Errors: timed_out, would_block, cancelled (also: a context was shut down),
/// not_supported (descriptors on Windows), invalid_argument (no items, an item without a socket or
/// a descriptor, an empty socket or stream, a stream with a handler, a descriptor that is not open,
/// contexts that do not go together), out_of_memory.
[[nodiscard]] SLK_API result<std::size_t> wait(std::span<wait_item> items,
                                               const timeout& limit = {});

} // namespace slk

#endif
