// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_FOREIGN_HPP
#define SLK_TESTS_INTEROP_FOREIGN_HPP

/// The sockets of libzmq, which ours talk to.
///
/// Nothing here waits for longer than `test_timeout`, and nothing here is an assertion:
/// libzmq_socket sockets are used by threads of their own as well.

#include "parts.hpp"
#include "support/until.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace slk::testing {

/// A context of libzmq. Its sockets must be gone before it.
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

/// A socket of libzmq. What is unsent at its end is dropped, unless its linger was set.
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

    /// Where it listens; empty if it does not. A port that is not free yet is waited for.
    std::string bind(const std::string& endpoint);
    bool unbind(const std::string& endpoint);
    bool connect(const std::string& endpoint);
    bool disconnect(const std::string& endpoint);

    /// False: there was no room in that time.
    bool send(const parts& whole, std::chrono::milliseconds timeout = test_timeout);
    /// The errno of a send that must not wait; 0 if it succeeds.
    int try_send(const parts& whole);
    std::optional<parts> receive(std::chrono::milliseconds timeout = test_timeout);

private:
    void* socket_;
};

/// What libzmq tells about a socket's connections.
class libzmq_monitor {
public:
    struct event {
        int what = 0; ///< ZMQ_EVENT_CONNECTED, ...
        int value = 0;
    };

    libzmq_monitor(libzmq_context& in, libzmq_socket& of);
    libzmq_monitor(const libzmq_monitor&) = delete;
    libzmq_monitor& operator=(const libzmq_monitor&) = delete;
    ~libzmq_monitor();

    std::optional<event> next(std::chrono::milliseconds timeout = test_timeout);
    /// Reads on until that event has come; says with which value.
    std::optional<int> sees(int what, std::chrono::milliseconds timeout = test_timeout);

private:
    libzmq_socket& of_;
    libzmq_socket events_;
};

} // namespace slk::testing

#endif
