// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_STREAMS_HPP
#define SERVERLINK_COROUTINE_STREAMS_HPP

/// Links, listeners, streams and names in tasks: slk::async_link, slk::async_listener,
/// slk::async_stream, slk::async_lookup(). Included by serverlink/coroutine.hpp.
///
///     SLK_CO_TRY(auto link, slk::async_link::create(loop, "tcp://db.example:5432"));
///     for (;;) {
///         SLK_CO_TRY(auto stream, co_await link.connected()); // again after each loss
///         while (co_await talk_to(stream)) {}
///     }
///
/// They are handles of one loop: moved, not copied, for its thread, and for its tasks (another
/// loop's get invalid_state). A handle that
/// is destroyed ends what tasks wait for by it, with errc::cancelled. After a move, calls of the
/// old object return invalid_state.

#include <serverlink/address.hpp>
#include <serverlink/coroutine_task.hpp>
#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace slk {

namespace coroutine_detail {

class stream_io;
class link_io;
class listener_io;
class lookup_io;

class SLK_API read_operation final : public operation_of<result<std::size_t>> {
public:
    read_operation(stream_io* of, std::span<std::byte> into) noexcept;
    read_operation(read_operation&& other) noexcept;
    ~read_operation();

private:
    static const behaviour how;

    stream_io* of_;
    std::span<std::byte> into_;
};

class SLK_API write_operation final : public operation_of<result<std::size_t>> {
public:
    write_operation(stream_io* of, std::span<const std::byte> bytes) noexcept;
    write_operation(write_operation&& other) noexcept;
    ~write_operation();

private:
    friend class stream_io;
    static const behaviour how;

    stream_io* of_;
    std::span<const std::byte> left_;
    std::size_t written_ = 0;
};

} // namespace coroutine_detail

/// A slk::stream for tasks. Bytes that have arrived wait in a buffer of the stream's, so that a
/// read may be cancelled at any time; and what is written is copied, so that no memory of a task is
/// in use when it is destroyed.
class SLK_API async_stream {
public:
    /// An empty stream: every operation returns errc::invalid_state.
    async_stream() noexcept = default;
    /// Takes a stream without operations under way. Errors: invalid_state (it is empty),
    /// out_of_memory, after which it is still the caller's.
    [[nodiscard]] static result<async_stream> create(stream&& of);

    async_stream(async_stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    async_stream& operator=(async_stream&& other) noexcept;
    /// As close().
    ~async_stream();

    /// It is not empty.
    [[nodiscard]] explicit operator bool() const noexcept { return core_ != nullptr; }

    // co_await

    /// Waits for bytes, and returns their number. 0: the peer has finished sending, or `into` is
    /// empty. One read at a time. Errors: those of stream::receive().
    [[nodiscard]] coroutine_detail::read_operation read(std::span<std::byte> into) noexcept
    {
        return {core_, into};
    }
    /// Waits until the system has taken all of these bytes, and returns their number. Several
    /// writes have their turns in order. Errors: those of stream::send(). If a write was cancelled
    /// when a part of its bytes had been sent, the later ones return broken_pipe.
    [[nodiscard]] coroutine_detail::write_operation write(std::span<const std::byte> bytes) noexcept
    {
        return {core_, bytes};
    }
    [[nodiscard]] coroutine_detail::write_operation write(std::string_view text) noexcept
    {
        return write(std::as_bytes(std::span(text.data(), text.size())));
    }

    /// As stream::shutdown_send(): after the writes.
    [[nodiscard]] result<void> shutdown_send();
    /// As stream::close(); reads and writes that wait return cancelled.
    void close() noexcept;
    /// As above; the stream's link reacts as if it had failed with that error.
    void close(const error& reason) noexcept;
    /// As stream::reset(); reads and writes that wait return cancelled.
    void reset() noexcept;
    // As those of slk::stream.
    [[nodiscard]] address local_address() const noexcept;
    [[nodiscard]] address peer_address() const noexcept;
    [[nodiscard]] std::intptr_t native_handle() const noexcept;

private:
    explicit async_stream(coroutine_detail::stream_io* core) noexcept : core_(core) {}

    coroutine_detail::stream_io* core_ = nullptr;
};

namespace coroutine_detail {

class SLK_API connected_operation final : public operation_of<result<async_stream>> {
public:
    explicit connected_operation(link_io* of) noexcept;
    connected_operation(connected_operation&& other) noexcept;
    ~connected_operation();

private:
    static const behaviour how;

    link_io* of_;
};

class SLK_API accept_operation final : public operation_of<result<async_stream>> {
public:
    explicit accept_operation(listener_io* of) noexcept;
    accept_operation(accept_operation&& other) noexcept;
    ~accept_operation();

private:
    static const behaviour how;

    listener_io* of_;
};

class SLK_API lookup_operation final : public operation_of<result<std::vector<address>>> {
public:
    lookup_operation(std::string_view host, std::uint16_t port) noexcept;
    lookup_operation(lookup_operation&& other) noexcept;
    ~lookup_operation();

private:
    static const behaviour how;

    std::string_view host_;
    std::uint16_t port_;
    lookup_io* of_ = nullptr;
};

} // namespace coroutine_detail

/// A slk::link for tasks; it begins to connect at once.
class SLK_API async_link {
public:
    /// Errors: those of link::create().
    [[nodiscard]] static result<async_link> create(loop& on, link_options options);
    [[nodiscard]] static result<async_link> create(loop& on, std::string_view to,
                                                   link_options options = {});

    async_link(async_link&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    async_link& operator=(async_link&& other) noexcept;
    /// Stops the link.
    ~async_link();

    /// co_await: waits until the link is connected, and returns its stream, each once. The link
    /// connects again when that one has failed, or was closed or destroyed. Errors: the one for
    /// which the link does not try any more; cancelled.
    [[nodiscard]] coroutine_detail::connected_operation connected() noexcept
    {
        return coroutine_detail::connected_operation(core_);
    }
    /// As link::status().
    [[nodiscard]] link_status status() const noexcept;
    /// As link::stop(), and connected() returns cancelled from then on.
    void stop() noexcept;

private:
    explicit async_link(coroutine_detail::link_io* core) noexcept : core_(core) {}

    coroutine_detail::link_io* core_;
};

/// A slk::listener for tasks.
class SLK_API async_listener {
public:
    /// Connections that wait for accept(); others are reset.
    static constexpr std::size_t max_waiting = 1024;

    /// Errors: those of listener::create().
    [[nodiscard]] static result<async_listener> create(loop& on, listener_options options);
    [[nodiscard]] static result<async_listener> create(loop& on, std::string_view at,
                                                       listener_options options = {});

    async_listener(async_listener&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    async_listener& operator=(async_listener&& other) noexcept;
    /// Stops listening, and closes the connections that wait.
    ~async_listener();

    /// co_await: waits for the next connection. Errors: out_of_memory (the connection is lost),
    /// cancelled.
    [[nodiscard]] coroutine_detail::accept_operation accept() noexcept
    {
        return coroutine_detail::accept_operation(core_);
    }
    /// As listener::status().
    [[nodiscard]] listener_status status() const noexcept;
    /// As listener::local_endpoint().
    [[nodiscard]] endpoint local_endpoint() const;

private:
    explicit async_listener(coroutine_detail::listener_io* core) noexcept : core_(core) {}

    coroutine_detail::listener_io* core_;
};

/// co_await: looks a name up as links do, with the loop's resolver. `host` must live until then; a
/// numeric address is read at once. Errors: name_not_found, name_lookup_failed, out_of_memory.
[[nodiscard]] inline coroutine_detail::lookup_operation async_lookup(std::string_view host,
                                                                     std::uint16_t port) noexcept
{
    return {host, port};
}

} // namespace slk

#endif
