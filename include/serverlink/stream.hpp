// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_STREAM_HPP
#define SERVERLINK_STREAM_HPP

/// slk::stream: one established connection, over TCP or ipc, from a link or a listener.
///
/// Completion-based: a call begins an operation, and its handler is called once, later, on the
/// loop's thread, never from inside the call. (Only a loop that is destroyed calls no handler of a
/// stream that was closed or destroyed before.) At most one receive and one send are under way at a
/// time. A stream is for the loop's thread (or for any thread while none runs the loop); other
/// threads use loop::post(). A handler must not throw.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace slk {

namespace link_detail {
class stream_core;
}

class SLK_API stream {
public:
    /// Gets the number of bytes, or the failure. It must not throw.
    using handler = std::function<void(result<std::size_t>)>;

    /// An empty stream: every operation returns errc::invalid_state.
    stream() noexcept = default;
    stream(stream&& other) noexcept;
    stream& operator=(stream&& other) noexcept;
    /// As close().
    ~stream();

    /// Whether it is open.
    [[nodiscard]] explicit operator bool() const noexcept { return core_ != nullptr; }

    /// Receives at least one byte into `buffer`, which must live until `done` is called with the
    /// count. 0 bytes: the peer has finished sending (it may still receive). With an empty buffer:
    /// waits until there is something to receive, and reports 0.
    /// Errors of the call: invalid_state (empty or closed, or not the loop's thread), in_progress.
    /// Errors of the handler: connection_reset, timed_out (user timeout, keep-alive), cancelled,
    /// ...
    [[nodiscard]] result<void> receive(std::span<std::byte> buffer, handler done);

    /// Sends all of `bytes`, which must live until `done` is called with their count. On failure
    /// a part may have been sent.
    [[nodiscard]] result<void> send(std::span<const std::byte> bytes, handler done);
    /// Sends several pieces, in order. The list and the bytes must live until `done` is called.
    [[nodiscard]] result<void> send(std::span<const std::span<const std::byte>> pieces,
                                    handler done);

    /// Half-close: the peer reads the end of the stream after all bytes. Receiving goes on. Errors:
    /// invalid_state, and in_progress while a send is under way: its handler may call this.
    [[nodiscard]] result<void> shutdown_send();

    /// Ends the stream at once. The system goes on sending the bytes that it has taken; but if
    /// there are received bytes that were not read, TCP resets the connection and the peer may lose
    /// the last ones. Operations under way are cancelled, and their handlers are still called, in
    /// the loop's next turn: with cancelled, or with the bytes of one that had succeeded already. A
    /// loop that has no such turn destroys the handlers in its destructor without a call. Buffers
    /// must live until then.
    void close();
    /// Closes the stream with a reason: the stream's link reacts as if the stream had failed with
    /// that error.
    void close(const error& reason);
    /// Ends the stream with a reset: nothing more is sent, the peer reads connection_reset. ipc has
    /// no resets: the peer reads what was sent, and then the end of the stream.
    void reset();
    /// Ends the stream in order: finishes a send that is under way, half-closes it, discards what
    /// arrives until the peer has finished too, then closes; after `timeout` it closes anyway.
    /// `done` (may be empty) is called with errc::ok, timed_out, or the failure that ended the
    /// stream; it must not throw. Errors of the call: invalid_state, and in_progress while another
    /// drain is under way.
    [[nodiscard]] result<void> close_after_drain(duration timeout,
                                                 std::function<void(error)> done = {});

    /// For ipc the family only.
    [[nodiscard]] address local_address() const noexcept;
    /// As local_address(), of the other side.
    [[nodiscard]] address peer_address() const noexcept;
    /// The number of bytes so far.
    [[nodiscard]] std::uint64_t bytes_received() const noexcept;
    /// As bytes_received().
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept;
    /// The descriptor or SOCKET, to set options that serverlink does not know; it stays the
    /// stream's. -1 for a closed stream.
    [[nodiscard]] std::intptr_t native_handle() const noexcept;

    /// Used by the library only.
    explicit stream(link_detail::stream_core* core) noexcept : core_(core) {}
    /// For the library itself.
    [[nodiscard]] link_detail::stream_core* core() const noexcept { return core_; }

private:
    link_detail::stream_core* core_ = nullptr;
};

} // namespace slk

#endif
