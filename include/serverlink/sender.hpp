// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SENDER_HPP
#define SERVERLINK_SENDER_HPP

/// slk::sender: sends through one socket from any number of threads.
///
/// A socket is for one thread at a time. A sender takes over a socket that only sends, and is a
/// handle that can be copied: each thread has a copy, and all of them send through the one socket,
/// to the same peers and into the same queues.
///
///     SLK_TRY(auto results, slk::push::create(context));
///     SLK_TRY(results.connect("tcp://collector:5555"));
///     SLK_TRY(auto out, slk::sender::create(std::move(results)));
///     std::thread worker([out] { (void)out.send(work(), 1s); });
///
/// The messages of one thread keep their order, and a message of several parts stays together;
/// those of several threads come in the order in which the calls had their turn.

#include <serverlink/export.hpp>
#include <serverlink/message.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/timeout.hpp>

#include <span>
#include <string_view>

namespace slk {

namespace messaging {
class shared_sender;
}

/// Its const functions may be called from any thread, on one copy or on several.
class SLK_API sender {
public:
    /// Takes a PUSH, PUB, DEALER or PAIR over, with its endpoints, peers and options. What a DEALER
    /// or PAIR receives then waits unread. After an error the socket is still the caller's.
    /// Errors: not_supported (another type; a context without threads, whose sockets are all for
    /// one thread), invalid_state (an empty or closed socket), out_of_memory.
    [[nodiscard]] static result<sender> create(socket&& from);

    /// An empty sender: every call returns errc::invalid_state.
    sender() noexcept = default;
    sender(const sender& other) noexcept;
    sender(sender&& other) noexcept;
    sender& operator=(const sender& other) noexcept;
    sender& operator=(sender&& other) noexcept;
    /// The last copy closes the socket, with its option `linger`.
    ~sender();

    /// Queues a message of one part. Waits for room, as `limit` allows, for others that wait before
    /// it, and a moment for a call that is being made. On an error nothing was queued, and the
    /// message is still the caller's. Errors: would_block (no room, and `limit` is slk::no_wait),
    /// timed_out, cancelled (a stop was requested, or the context was shut down), invalid_state (an
    /// empty sender, or the socket is closed: also while the call waits), out_of_memory, forked.
    [[nodiscard]] result<send_outcome> send(message&& whole, const timeout& limit = {}) const;
    [[nodiscard]] result<send_outcome> send(std::span<const std::byte> whole,
                                            const timeout& limit = {}) const;
    [[nodiscard]] result<send_outcome> send(std::string_view whole, const timeout& limit = {}) const
    {
        return send(std::as_bytes(std::span(whole.data(), whole.size())), limit);
    }
    /// Queues a message of several parts. Errors: as above; invalid_argument without any part.
    [[nodiscard]] result<send_outcome> send(multipart&& whole, const timeout& limit = {}) const;

    /// Closes the socket for all copies, as socket::close(). Calls that wait end with invalid_state
    /// at once. An empty report: the socket is closed already, or is being closed.
    close_report close(duration timeout) const;

    /// As socket::number(); 0 for an empty sender.
    [[nodiscard]] std::uint64_t number() const noexcept;
    /// As socket::counters().
    [[nodiscard]] socket_counters counters() const noexcept;

private:
    explicit sender(messaging::shared_sender* core) noexcept : core_(core) {}

    messaging::shared_sender* core_ = nullptr;
};

} // namespace slk

#endif
