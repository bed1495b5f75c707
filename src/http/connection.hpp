// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_HTTP_CONNECTION_HPP
#define SLK_HTTP_CONNECTION_HPP

/// One client: its request arrives, its response is sent, and the connection ends. Each step has a
/// deadline. For the loop's thread.

#include "http/responder.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slk::http {

struct connection_limits {
    std::size_t request_size = 0;
    duration timeout{};
};

/// An operation under way keeps it alive. `responses` outlives the loop.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(stream accepted, responder& responses, const connection_limits& limits,
               time_point now);

    /// Receives the request.
    void begin() noexcept;
    /// Ends what takes longer than it may.
    void check(time_point now) noexcept;
    /// Resets the connection.
    void end() noexcept;
    [[nodiscard]] bool is_over() const noexcept { return step_ == step::over; }
    /// The request has not arrived yet.
    [[nodiscard]] bool is_receiving() const noexcept { return step_ == step::receiving; }

private:
    enum class step : std::uint8_t {
        receiving,
        sending,
        draining, ///< the response is sent; what the client still sends is not read
        over,
    };

    void receive();
    void take(std::size_t count);
    void send(std::string_view response);
    void drain();
    /// The library's functions of a caller must not throw; a failure ends the connection.
    template <class Work>
    void guarded(Work work) noexcept;

    stream stream_;
    responder& responses_;
    connection_limits limits_;
    time_point deadline_;
    step step_ = step::receiving;
    std::array<std::byte, 1024> buffer_{};
    std::string head_;
    std::string response_;
};

} // namespace slk::http

#endif
