// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_HTTP_PAGE_STATE_HPP
#define SLK_HTTP_PAGE_STATE_HPP

/// What the page shows beside the numbers of the context: recent moves, and the links and listeners
/// that belong to no socket. Any thread.

#include <serverlink/events.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace slk::http {

/// The events that the page has a line for.
[[nodiscard]] event_set shown_events() noexcept;

class page_state {
public:
    explicit page_state(time_point origin) : origin_(origin) {}

    // These throw std::bad_alloc; the page lacks something then.

    void add(const event& what);
    void show(std::string_view name, const link_transition& move, const link_status& status);
    void show(std::string_view name, const listener_status& status);
    void forget(std::string_view name) noexcept;

    /// The text of /state. Times are seconds since the beginning of this object.
    [[nodiscard]] std::string json(const context_metrics& numbers, time_point now) const;

    /// Events on the page; older ones are forgotten.
    static constexpr std::size_t max_recent = 200;

private:
    struct numbered {
        std::uint64_t number;
        event what;
    };
    void push(event what);

    const time_point origin_;
    mutable std::mutex mutex_;
    std::uint64_t events_ = 0;
    std::deque<numbered> recent_;
    std::map<std::string, link_status, std::less<>> links_;
    std::map<std::string, listener_status, std::less<>> listeners_;
};

} // namespace slk::http

#endif
