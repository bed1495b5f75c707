// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_COROUTINE_SOCKET_WATCH_HPP
#define SLK_COROUTINE_SOCKET_WATCH_HPP

/// Joins a socket to the loop of the tasks that wait for it. Its reports come from any thread, and
/// post one task to that loop, in which every operation that waits makes an attempt.

#include <serverlink/coroutine_sockets.hpp>

#include "coroutine/scheduler.hpp"
#include "messaging/observe/inbox.hpp"

#include <atomic>

namespace slk::coroutine_detail {

class socket_watch final : public messaging::inbox_listener {
public:
    explicit socket_watch(reference<scheduler> on) noexcept;

    void reported() noexcept override;

    [[nodiscard]] scheduler& on() const noexcept { return *on_; }
    // On the loop's thread.

    [[nodiscard]] bool is_idle() const noexcept { return waiting_.empty(); }
    void add(operation& which, messaging::inbox& of) noexcept;

private:
    ~socket_watch() override = default;
    void run() noexcept;

    const reference<scheduler> on_;
    io::task turn_;
    std::atomic<bool> posted_{false};
    places waiting_;
    /// Of the socket that the operations wait for; they hold it.
    messaging::inbox* of_ = nullptr;
};

} // namespace slk::coroutine_detail

#endif
