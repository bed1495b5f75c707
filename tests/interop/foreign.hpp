// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_FOREIGN_HPP
#define SLK_TESTS_INTEROP_FOREIGN_HPP

/// The sockets of libzmq, which ours talk to.
///
/// Nothing here waits for longer than `test_timeout`, and nothing here is an assertion: foreign
/// sockets are used by threads of their own as well.

#include "parts.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace slk::testing {

using namespace std::chrono_literals;

/// The bound of everything that must happen.
inline constexpr std::chrono::milliseconds test_timeout = 20s;

/// A context of libzmq. Its sockets must be gone before it.
class foreign_context {
public:
    foreign_context();
    foreign_context(const foreign_context&) = delete;
    foreign_context& operator=(const foreign_context&) = delete;
    ~foreign_context();

    [[nodiscard]] void* get() const noexcept { return context_; }

private:
    void* context_;
};

/// A socket of libzmq. What is unsent at its end is dropped, unless its linger was set.
class foreign {
public:
    /// `type`: ZMQ_PULL, ...
    foreign(foreign_context& in, int type);
    foreign(foreign&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
    foreign(const foreign&) = delete;
    foreign& operator=(const foreign&) = delete;
    ~foreign() { close(); }
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
class monitor {
public:
    struct event {
        int what = 0; ///< ZMQ_EVENT_CONNECTED, ...
        int value = 0;
    };

    monitor(foreign_context& in, foreign& of);
    monitor(const monitor&) = delete;
    monitor& operator=(const monitor&) = delete;
    ~monitor();

    std::optional<event> next(std::chrono::milliseconds timeout = test_timeout);
    /// Reads on until that event has come; says with which value.
    std::optional<int> sees(int what, std::chrono::milliseconds timeout = test_timeout);

private:
    foreign& of_;
    foreign events_;
};

} // namespace slk::testing

#endif
