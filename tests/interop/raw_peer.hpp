// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_RAW_PEER_HPP
#define SLK_TESTS_INTEROP_RAW_PEER_HPP

/// A TCP connection to one of our sockets, whose bytes are the test's own.

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

    /// False: the other side has closed. Waits for room.
    bool send(std::string_view bytes);
    /// The next bytes, so many; nothing if they do not come.
    std::optional<std::string> receive(std::size_t count);
    /// What has come so far, which may be nothing.
    std::string receive_some();
    /// Reads and drops until the other side has closed. False: it has not, in that time.
    [[nodiscard]] bool is_closed_within(std::chrono::milliseconds timeout);
    [[nodiscard]] bool is_closed();

private:
    int socket_ = -1;
};

} // namespace slk::testing

#endif
