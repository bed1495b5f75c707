// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_EVENT_SOURCE_HPP
#define SLK_MESSAGING_OBSERVE_EVENT_SOURCE_HPP

/// Where the parts of a socket report what happens (serverlink/events.hpp). It passes each event on
/// to the streams that want it. While there is none, a report costs one load.

#include <serverlink/events.hpp>

#include "base/reference.hpp"
#include "messaging/observe/event_queue.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace slk::messaging {

/// Any thread, but for begin().
class event_source {
public:
    /// Before anything else. `type`: of the socket. `loop`: one whose clock is the socket's while
    /// the caller runs it.
    void begin(std::uint64_t number, std::string_view type,
               std::shared_ptr<io::loop_core> loop) noexcept
    {
        number_ = number;
        type_ = type;
        loop_ = std::move(loop);
    }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] std::string_view type() const noexcept { return type_; }
    /// The next number of a connection of the socket.
    [[nodiscard]] std::uint64_t next_connection() noexcept
    {
        return connections_.fetch_add(1, std::memory_order_relaxed) + 1;
    }

    [[nodiscard]] bool wants(event_kind kind) const noexcept
    {
        return (wanted_.load(std::memory_order_relaxed) >> static_cast<unsigned>(kind) & 1) != 0;
    }
    /// Calls fill(event&) if a stream wants the kind, and passes the event on. `fill` returns false
    /// when memory is exhausted; the event is lost then.
    template <class Fill>
    void emit(event_kind kind, std::string_view endpoint, Fill&& fill) noexcept
    {
        if (!wants(kind)) [[likely]]
            return;
        slk::event made;
        made.kind = kind;
        const bool whole = fill(made);
        pass_on(made, endpoint, whole);
    }

    /// The time for the socket, on any of its threads.
    [[nodiscard]] time_point now() const noexcept;

    /// Errors: out_of_memory, invalid_state (the socket is closed).
    [[nodiscard]] result<void> add(const reference<event_queue>& to) noexcept;
    void remove(const event_queue& from) noexcept;
    /// The socket is closed.
    void close() noexcept;

private:
    void pass_on(slk::event& made, std::string_view endpoint, bool whole) noexcept;
    void note_wanted() noexcept;

    std::atomic<std::uint32_t> wanted_{0}; ///< the kinds that a stream wants
    std::atomic<std::uint64_t> connections_{0};
    std::uint64_t number_ = 0;
    std::string_view type_;
    std::shared_ptr<io::loop_core> loop_;
    std::mutex guard_;
    std::vector<reference<event_queue>> to_; ///< guarded
    bool closed_ = false; ///< guarded
};

} // namespace slk::messaging

#endif
