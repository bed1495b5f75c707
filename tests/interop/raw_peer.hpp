// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_RAW_PEER_HPP
#define SLK_TESTS_INTEROP_RAW_PEER_HPP

/// A TCP connection to one of our sockets on which the test sends any bytes.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace slk::testing {

class raw_peer {
public:
    /// `endpoint`: tcp://127.0.0.1:PORT.
    explicit raw_peer(const std::string& endpoint);
    raw_peer(raw_peer&& other) noexcept;
    raw_peer(const raw_peer&) = delete;
    raw_peer& operator=(const raw_peer&) = delete;
    ~raw_peer();

    /// Waits for room. Returns false if the other side has closed.
    bool send(std::string_view bytes);
    /// Returns the next `count` bytes, or nothing if they do not arrive.
    std::optional<std::string> receive(std::size_t count);
    /// Returns the bytes that have arrived, possibly none.
    std::string receive_some();
    /// Reads and discards until the other side closes. Returns false if it does not do so in time.
    [[nodiscard]] bool is_closed_within(std::chrono::milliseconds timeout);
    [[nodiscard]] bool is_closed();

private:
    int socket_ = -1;
};

} // namespace slk::testing

#endif
