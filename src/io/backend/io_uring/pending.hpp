// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_PENDING_HPP
#define SLK_IO_BACKEND_IO_URING_PENDING_HPP

/// The state of the kernel's requests, in an operation's scratch space.

#include "io/operation.hpp"
#include "io/socket_option.hpp"
#include "io/socket_table.hpp"

#include <new>
#include <type_traits>

#include <netinet/in.h>
#include <sys/uio.h>

namespace slk::io::uring {

enum class stage : std::uint8_t {
    attempt, ///< the call itself
    poll,    ///< the call said "not yet": waits until the socket is ready
};

enum class request : std::uint8_t { none, submission, cancellation };

/// A cancelled operation ends when both its own completion and the cancellation's have come, in
/// either order: each carries the operation's address.
struct pending {
    /// The next one in the backlog.
    operation* next_in_backlog = nullptr;
    /// For a closed socket: the next of its operations in flight, in a circle and in order.
    operation* sibling = nullptr;
    union {
        /// connect: read by the kernel when it takes the submission.
        sockaddr_in6 target{};
        /// send: the first buffers, because the caller's list may end before the kernel reads it.
        iovec kept[2];
    };
    int descriptor = -1;
    std::int32_t result = 0; ///< of the operation, while the cancellation's is still to come
    std::uint16_t retries = 0;
    stage at = stage::attempt;
    request in_backlog = request::none;
    bool in_kernel = false; ///< in the ring or beyond, and its completion has not come
    bool cancelling = false; ///< its cancellation is in the ring or beyond
    bool has_result = false;
    close_mode mode = close_mode::graceful; ///< of a closed socket
};

static_assert(sizeof(pending) <= operation::scratch_size);
static_assert(alignof(pending) <= alignof(std::max_align_t));
static_assert(std::is_trivially_destructible_v<pending>, "the scratch space is only overwritten");

[[nodiscard]] inline pending& begin(operation& op, native_handle handle) noexcept
{
    pending& fresh = *::new (static_cast<void*>(op.scratch)) pending{};
    fresh.descriptor = static_cast<int>(handle);
    return fresh;
}

[[nodiscard]] inline pending& of(operation& op) noexcept
{
    return *std::launder(reinterpret_cast<pending*>(op.scratch));
}

/// Waits for an earlier operation of its socket: the kernel does not have it yet.
[[nodiscard]] inline bool waits(const pending& notes) noexcept
{
    return !notes.in_kernel && !notes.cancelling && !notes.has_result &&
           notes.in_backlog == request::none;
}

/// Requests that found no room in the ring, and of which the kernel took none: rare, and never
/// reordered.
class backlog {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] operation& front() const noexcept { return *first_; }

    void push_back(operation& op, request what) noexcept
    {
        of(op).in_backlog = what;
        of(op).next_in_backlog = nullptr;
        (first_ == nullptr ? first_ : of(*last_).next_in_backlog) = &op;
        last_ = &op;
    }

    void remove(operation& op) noexcept
    {
        operation* before = nullptr;
        for (operation* each = first_; each != &op; each = of(*each).next_in_backlog)
            before = each;
        (before == nullptr ? first_ : of(*before).next_in_backlog) = of(op).next_in_backlog;
        if (last_ == &op)
            last_ = before;
        of(op).in_backlog = request::none;
    }

private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

} // namespace slk::io::uring

#endif
