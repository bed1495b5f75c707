// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LOG_HPP
#define SERVERLINK_LOG_HPP

/// slk::log_stream: what happens in a context as lines for people, each with a level and the
/// component that it is about.
///
///     SLK_TRY(auto log, slk::log_stream::of(context, {.level = slk::log_level::warning}));
///     while (auto line = log.next())
///         std::fprintf(stderr, "%s\n", slk::to_string(*line).c_str());
///
/// The lines are made of the events of all sockets of the context (serverlink/events.hpp), by the
/// thread that reads them: with next(), no loop formats a text or waits for a reader; a handler is
/// called on the context's first loop, as that of an event_stream. Kinds of events that have no
/// level that is wanted are not made. The first lines say what the loops run on, and which
/// backends the system has refused to them.

#include <serverlink/events.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk {

/// How important a line is.
enum class log_level : std::uint8_t {
    debug, ///< each step of links and handshakes, each subscription
    info, ///< endpoints and peers that come and go
    warning, ///< something was refused, lost or given up; it goes on by itself
    error, ///< a call has failed, or a message cannot be delivered
};
/// The number of levels.
inline constexpr std::size_t log_level_count = 4;

/// Returns the enumerator's spelling.
[[nodiscard]] SLK_API std::string_view name_of(log_level value) noexcept;

/// How important an event is.
[[nodiscard]] SLK_API log_level level_of(const event& what) noexcept;
/// What an event is about: "endpoint", "link", "connection", "handshake", "peer", "message", "log"
/// or "socket".
[[nodiscard]] SLK_API std::string_view component_of(event_kind what) noexcept;

/// A line that is written to the log.
/// One line of the log.
struct log_line {
    time_point at{}; ///< as event::at
    log_level level = log_level::info; ///< as level_of()
    /// As component_of(); "loop" for the first lines. Lives as long as the process.
    std::string_view component{};
    std::uint64_t socket = 0; ///< slk::socket::number(); 0: it is about none
    /// For people, and without a line feed. Empty when memory was exhausted.
    std::string text{};
};

/// Returns "warning link: connect_retried tcp://...". Empty when memory is exhausted.
[[nodiscard]] SLK_API std::string to_string(const log_line& line);

/// What is written, and where.
struct log_options {
    log_level level = log_level::info; ///< of the lines, at least
    std::size_t capacity = 2048; ///< as event_options::capacity
    /// If set, it is called for each line instead of next(), as event_options::handler; for the
    /// first lines in the call of of().
    std::function<void(const log_line&)> handler{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// A handle: moved, not copied. For one thread at a time, as event_stream. A context may have
/// several.
class SLK_API log_stream {
public:
    /// Also of sockets that are created later. Errors: as event_stream::of().
    [[nodiscard]] static result<log_stream> of(const context& which, log_options options = {});

    /// Waits for the next line. Lines that did not fit are counted in one of the component "log".
    /// Errors: as event_stream::next().
    [[nodiscard]] result<log_line> next(const timeout& limit = {});
    /// Whether next() need not wait; but there may be only events of a lower level.
    [[nodiscard]] bool readable() const noexcept;
    /// Events that were lost so far. Any thread.
    [[nodiscard]] std::uint64_t lost() const noexcept { return events_.lost(); }
    /// For slk::wait() (wait_item::events) and event_handle(), once next() would block.
    [[nodiscard]] event_stream& events() noexcept { return events_; }

private:
    log_stream(event_stream events, std::vector<log_line> first, log_level level) noexcept
        : events_(std::move(events)), first_(std::move(first)), level_(level)
    {
    }

    event_stream events_;
    std::vector<log_line> first_;
    std::size_t first_read_ = 0;
    log_level level_;
};

} // namespace slk

#endif
