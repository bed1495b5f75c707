// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_NETWORK_SOCKET_HPP
#define SLK_TESTS_SUPPORT_NETWORK_SOCKET_HPP

/// TCP sockets of the system, as a user of the library may have them.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace slk::testing {

class network_socket {
public:
    network_socket() noexcept = default;
    explicit network_socket(std::intptr_t handle) noexcept : handle_(handle) {}
    network_socket(network_socket&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
    network_socket& operator=(network_socket&& other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~network_socket() { close(); }

    /// A connect to a port where nobody listens is under way.
    [[nodiscard]] static network_socket connecting_to_nobody();

    [[nodiscard]] std::intptr_t handle() const noexcept { return handle_; }
    void send(std::string_view text) const;
    /// What has arrived, at most some bytes; waits for it.
    [[nodiscard]] std::string receive() const;
    /// Sends until the system takes no more. It does not wait afterwards, either.
    void fill() const;
    /// Receives until the peer ends the connection.
    void drain() const;
    /// Ends what it sends.
    void shut() const;
    /// Closes it by a reset.
    void reset();
    void close();

private:
    std::intptr_t handle_ = -1;
};

/// Two sockets that are connected with each other.
struct connected_pair {
    connected_pair();

    network_socket first;
    network_socket second;
};

} // namespace slk::testing

#endif
