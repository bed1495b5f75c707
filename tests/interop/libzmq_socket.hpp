// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_LIBZMQ_SOCKET_HPP
#define SLK_TESTS_INTEROP_LIBZMQ_SOCKET_HPP

/// The sockets of libzmq that ours are tested against.
///
/// No call waits longer than `test_timeout`, and none asserts: these sockets are also used by
/// threads other than the test's own.

#include "parts.hpp"
#include "support/until.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace slk::testing {

/// A context of libzmq. Its sockets must be closed first: the destructor waits for them.
class libzmq_context {
public:
    libzmq_context();
    libzmq_context(const libzmq_context&) = delete;
    libzmq_context& operator=(const libzmq_context&) = delete;
    ~libzmq_context();

    [[nodiscard]] void* get() const noexcept { return context_; }

private:
    void* context_;
};

/// A socket of libzmq. Unsent messages are dropped when it is closed, unless ZMQ_LINGER was set.
class libzmq_socket {
public:
    /// `type`: ZMQ_PULL, ...
    libzmq_socket(libzmq_context& in, int type);
    libzmq_socket(libzmq_socket&& other) noexcept : socket_(std::exchange(other.socket_, nullptr))
    {
    }
    libzmq_socket(const libzmq_socket&) = delete;
    libzmq_socket& operator=(const libzmq_socket&) = delete;
    ~libzmq_socket() { close(); }
    void close() noexcept;

    [[nodiscard]] void* get() const noexcept { return socket_; }
    bool set(int option, int value);
    bool set(int option, std::string_view value);

    /// Returns the endpoint, or an empty text. Waits for a port that is not free yet.
    std::string bind(const std::string& endpoint);
    bool unbind(const std::string& endpoint);
    bool connect(const std::string& endpoint);
    bool disconnect(const std::string& endpoint);

    /// Returns false if there was no room in time.
    bool send(const parts& whole, std::chrono::milliseconds timeout = test_timeout);
    /// Sends without waiting. Returns 0 or the errno.
    int try_send(const parts& whole);
    std::optional<parts> receive(std::chrono::milliseconds timeout = test_timeout);

private:
    void* socket_;
};

/// The events that libzmq reports about the connections of a socket.
class libzmq_monitor {
public:
    struct event {
        int type = 0; ///< ZMQ_EVENT_CONNECTED, ...
        int value = 0;
    };

    libzmq_monitor(libzmq_context& in, libzmq_socket& of);
    libzmq_monitor(const libzmq_monitor&) = delete;
    libzmq_monitor& operator=(const libzmq_monitor&) = delete;
    ~libzmq_monitor();

    std::optional<event> next(std::chrono::milliseconds timeout = test_timeout);
    /// Reads events until one of that type comes. Returns its value.
    std::optional<int> wait_for(int type, std::chrono::milliseconds timeout = test_timeout);

private:
    libzmq_socket& of_;
    libzmq_socket events_;
};

} // namespace slk::testing

#endif
