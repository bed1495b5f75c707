// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_SOCKET_HPP
#define SLK_LIBZMQ_SOCKET_HPP

/// What a socket's handle stands for.

#include <serverlink/frame_socket.hpp>
#include <serverlink/message.hpp>

#include "libzmq/context.hpp"
#include "libzmq/monitor.hpp"
#include "libzmq/option_values.hpp"

#include <libzmq/zmq.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace slk::libzmq {

/// For one thread at a time.
class socket_object {
public:
    /// Null: it is none, or none any more.
    [[nodiscard]] static socket_object* find(const void* handle) noexcept;
    /// Null, and errno is set.
    [[nodiscard]] static void* create(context& in, int type) noexcept;
    /// Returns 0 or an errno.
    [[nodiscard]] static int close(void* handle) noexcept;

    [[nodiscard]] int type() const noexcept { return static_cast<int>(socket.type()); }
    /// How long a call may wait: `milliseconds` as in ZMQ_RCVTIMEO.
    [[nodiscard]] static timeout limit_of(int milliseconds, int flags) noexcept
    {
        if ((flags & ZMQ_DONTWAIT) != 0)
            return no_wait;
        if (milliseconds < 0)
            return {};
        return duration(std::chrono::milliseconds(milliseconds)); // which holds it
    }
    [[nodiscard]] duration linger() const noexcept
    {
        const int milliseconds = values.get<ZMQ_LINGER>();
        return milliseconds < 0 ? duration::max() : std::chrono::milliseconds(milliseconds);
    }

    context& within;
    frame_socket socket;
    option_values values;
    std::string next_peer{}; ///< ZMQ_CONNECT_ROUTING_ID
    std::string connected_peer{}; ///< STREAM only: the id made for the last zmq_connect()
    message received{};
    std::unique_ptr<monitor> watched{}; ///< zmq_socket_monitor()
};

[[nodiscard]] inline std::span<const std::byte> bytes_of(const void* data,
                                                         std::size_t size) noexcept
{
    return {static_cast<const std::byte*>(data), size};
}

} // namespace slk::libzmq

#endif
