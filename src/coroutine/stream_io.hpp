// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_COROUTINE_STREAM_IO_HPP
#define SLK_COROUTINE_STREAM_IO_HPP

/// What async_stream is made of: a stream, and the buffers that the system reads from and writes to
/// instead of the memory of tasks.
///
/// A receive that is under way goes on when the task that waited for it is gone; the next read gets
/// its bytes. A handler of the stream holds this object: the loop calls it in any case, because the
/// stream belongs to the library.

#include <serverlink/coroutine_streams.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "coroutine/scheduler.hpp"

#include <memory>

namespace slk::coroutine_detail {

class stream_io final : public ref_counted<stream_io> {
public:
    /// Errors: as async_stream::create().
    [[nodiscard]] static result<reference<stream_io>> create(stream&& of) noexcept;

    [[nodiscard]] stream& get() noexcept { return stream_; }
    /// Tasks that wait are woken.
    void close(const error* why, bool reset) noexcept;
    [[nodiscard]] result<void> shutdown_send() noexcept;

    // --- read_operation ---

    /// Returns bytes that have arrived, the end, or a failure; nothing if there is none of them.
    [[nodiscard]] std::optional<result<std::size_t>> take(std::span<std::byte> into) noexcept;
    /// Waits for them. Errors: those of stream::receive(), in_progress.
    [[nodiscard]] result<void> park_reader(operation& which) noexcept;

    // --- write_operation ---

    /// Goes on with the write, if it is its turn. Returns its end, if it has ended.
    [[nodiscard]] std::optional<result<std::size_t>>
    go_on(operation& which, std::span<const std::byte>& left, std::size_t& written) noexcept;
    [[nodiscard]] result<void> park_writer(operation& which) noexcept;
    /// The operation ends before all was written, or after it.
    void leave(operation& which, bool in_part) noexcept;

private:
    friend class ref_counted<stream_io>;
    explicit stream_io(stream&& of) noexcept : stream_(std::move(of)) {}
    ~stream_io() = default;

    [[nodiscard]] result<void> check_loop(const operation& which) const noexcept;
    void received(const result<std::size_t>& outcome) noexcept;
    void sent(const result<std::size_t>& outcome) noexcept;
    void wake_all(places& which) noexcept;

    static constexpr std::size_t receive_size = 16 * 1024;
    static constexpr std::size_t send_size = 64 * 1024;

    stream stream_;
    const io::loop_core* loop_ = nullptr; ///< for comparison
    std::unique_ptr<std::byte[]> received_; ///< from the first read on
    std::span<const std::byte> unread_;
    std::unique_ptr<std::byte[]> sending_; ///< from the first write on
    std::size_t in_flight_ = 0; ///< bytes of the present send
    bool receiving_ = false;
    bool at_end_ = false;
    bool broken_ = false; ///< a write was cancelled in part
    error receive_failure_{};
    error send_failure_{};
    places readers_;
    places writers_;
    operation* writer_ = nullptr; ///< whose turn it is
};

} // namespace slk::coroutine_detail

#endif
