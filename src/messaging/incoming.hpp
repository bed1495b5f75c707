// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_INCOMING_HPP
#define SLK_MESSAGING_INCOMING_HPP

/// The session's end of the lane from the network: it receives straight into the lane.
///
/// Behind what the lane holds lies the window: bytes that were received and not yet understood.
/// Messages stay where they are and become the lane's by keep(); other bytes are dropped. A large
/// body is received into memory of its own.

#include "base/message_access.hpp"
#include "lane/lane.hpp"

#include <cstdint>

namespace slk::messaging {

class incoming {
public:
    explicit incoming(lane::lane& into) noexcept : lane_(into) {}
    incoming(const incoming&) = delete;
    incoming& operator=(const incoming&) = delete;
    ~incoming() { forget_body(); }

    /// Where the next bytes are to be received; empty when memory is exhausted. `wanted`: so many
    /// bytes more must fit behind the window in one piece.
    [[nodiscard]] std::span<std::byte> space(std::size_t wanted) noexcept;
    /// So many were received there.
    void received(std::size_t bytes) noexcept;
    [[nodiscard]] bool receives_body() const noexcept { return body_ != nullptr; }

    /// What was received and not yet understood.
    [[nodiscard]] std::span<const std::byte> window() noexcept
    {
        return lane_.rest().first(filled_);
    }
    /// The first bytes of the window are frames of messages.
    void keep(std::size_t bytes) noexcept
    {
        lane_.commit(bytes);
        filled_ -= bytes;
    }
    /// They are not.
    void drop(std::size_t bytes) noexcept;

    /// The window begins with the header of a frame whose body is large, and with the first bytes
    /// of it. False when memory is exhausted.
    [[nodiscard]] bool begin_body(std::size_t header, std::uint64_t size) noexcept;
    /// Bytes of the body that were received since the last call.
    [[nodiscard]] std::size_t body_progress() noexcept;
    /// All of the body is there: it is the lane's now.
    [[nodiscard]] bool end_body() noexcept;

    /// A connection is over: what was not published is forgotten.
    void reset() noexcept;

private:
    [[nodiscard]] bool grow_body() noexcept;
    void forget_body() noexcept;

    lane::lane& lane_;
    std::size_t filled_ = 0; ///< size of the window
    bool busy_ = false; ///< a larger chunk is worth having

    message_detail::owned_memory* body_ = nullptr;
    std::uint64_t body_size_ = 0;
    std::size_t body_room_ = 0;
    std::size_t body_filled_ = 0;
    std::size_t body_told_ = 0;
};

} // namespace slk::messaging

#endif
