// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_EVENTS_HPP
#define SLK_TESTS_SUPPORT_EVENTS_HPP

/// Streams of events, and what comes in them.

#include <serverlink/events.hpp>

#include "support/must.hpp"
#include "support/until.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace slk::testing {

/// A stream, and the events that were read from it.
struct watched_events {
    template <class Of>
    explicit watched_events(const Of& of, event_options options = {})
        : stream(must(event_stream::of(of, std::move(options))))
    {
    }

    /// Reads until an event of this kind has come, and returns it.
    event wait_for(event_kind kind, duration time = test_timeout)
    {
        for (;;) {
            event next = must(stream.next(time));
            all.push_back(next);
            if (next.kind == kind)
                return next;
        }
    }
    /// Reads what is there.
    void read()
    {
        for (auto next = stream.next(no_wait); next; next = stream.next(no_wait))
            all.push_back(std::move(*next));
    }
    /// The names of the kinds of the events read so far, but for those of links.
    [[nodiscard]] std::string kinds() const
    {
        std::string names;
        for (const event& each : all)
            if (each.kind != event_kind::link_state)
                names.append(names.empty() ? "" : " ").append(name_of(each.kind));
        return names;
    }
    [[nodiscard]] std::size_t count(event_kind kind) const
    {
        return static_cast<std::size_t>(std::ranges::count(all, kind, &event::kind));
    }
    /// The last event of the kind that was read.
    [[nodiscard]] const event& last(event_kind kind) const
    {
        const auto found = std::ranges::find(all.rbegin(), all.rend(), kind, &event::kind);
        REQUIRE(found != all.rend());
        return *found;
    }

    event_stream stream;
    std::vector<event> all;
};

} // namespace slk::testing

#endif
