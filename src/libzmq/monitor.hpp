// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_MONITOR_HPP
#define SLK_LIBZMQ_MONITOR_HPP

/// zmq_socket_monitor(): a PAIR of the library's own, to which the loop writes the events of a
/// socket. The loop never waits for a reader: an event that finds no room is lost.

#include <serverlink/events.hpp>
#include <serverlink/frame_socket.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::libzmq {

class context;

class monitor {
public:
    /// `events`: as in zmq_socket_monitor(). Errors: those of binding a PAIR to the endpoint, and
    /// of event_stream::of().
    [[nodiscard]] static result<std::unique_ptr<monitor>>
    create(context& in, const frame_socket& of, std::string_view endpoint, unsigned events);
    monitor(const monitor&) = delete;
    monitor& operator=(const monitor&) = delete;
    /// All events so far are written, and ZMQ_EVENT_MONITOR_STOPPED behind them.
    ~monitor();

private:
    monitor(frame_socket pair, unsigned events) noexcept : pair_(std::move(pair)), events_(events)
    {
    }

    /// A connection, or a listener, and its descriptor.
    struct known {
        std::uint64_t connection; ///< 0: a listener
        std::int32_t descriptor;
        bool connected; ///< by connect()
        std::string listener; ///< its endpoint
    };

    void report(const event& what) noexcept;
    void write(unsigned number, std::uint32_t value, std::string_view endpoint) noexcept;
    void remember(const event& what, bool connected) noexcept;
    [[nodiscard]] const known* find(const event& what) const noexcept;
    void forget(const known& which) noexcept;

    // The loop's thread, until there is no stream any more.
    frame_socket pair_;
    const unsigned events_;
    std::vector<known> known_;
    std::optional<event_stream> stream_{};
    std::mutex guard_;
    std::condition_variable change_;
    bool stopped_ = false; ///< guarded: the last event was written
};

} // namespace slk::libzmq

#endif
