// SPDX-License-Identifier: MPL-2.0

// Lives of streams of events in which allocations fail: an event that there is no memory for is
// counted.

#include "worlds.hpp"

#include <doctest/doctest.h>

namespace slk::testing {

namespace {

/// Reads what is there. Returns false if numbers are missing that no event counts.
bool read_events(event_stream& from, std::uint64_t& last)
{
    for (;;) {
        const auto next = in_library([&] { return from.next(no_wait); });
        if (!next)
            return true;
        (void)in_library([&] { return to_string(*next); });
        const std::uint64_t step = next->kind == event_kind::events_lost ? next->count : 1;
        if (next->number != last + step)
            return false;
        last = next->number;
    }
}

const char* watched(int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    auto of_all = insist([&] { return event_stream::of(*in); });
    EXPECT(of_all);
    auto log = insist([&] { return log_stream::of(*in, {.level = log_level::debug}); });
    EXPECT(log);
    auto from = new_socket<pub>(*in, quick());
    EXPECT(from);
    auto to = new_socket<sub>(*in, quick());
    EXPECT(to);
    auto of_one = insist([&] { return event_stream::of(*from); });
    EXPECT(of_one);
    const auto handle = insist([&] { return of_one->event_handle(); });
    // select has none where the caller runs the loop.
    EXPECT(handle || handle.error() == errc::not_supported);
    const auto at = insist([&] { return from->bind("tcp://127.0.0.1:*"); });
    EXPECT(at);
    EXPECT(insist([&] { return to->connect(*at); }));
    EXPECT(insist([&] { return to->subscribe("a topic that does not fit into a small string"); }));
    (void)in_library([&] { return from->wait_subscribers("", 1, moment); });
    wait_item items[] = {{.on = &*to}, {.events = &*of_one}};
    (void)in_library([&] { return wait(items, no_wait); });
    for (int number = 0; number < 3; ++number)
        (void)in_library([&] { return from->send(std::string_view("nobody wants this")); });
    in_library([&] { (void)metrics_of(*in); });
    end(from);
    end(to);
    int lines = 0;
    for (auto line = in_library([&] { return log->next(no_wait); }); line; ++lines) {
        (void)in_library([&] { return to_string(*line); });
        line = in_library([&] { return log->next(no_wait); });
    }
    EXPECT(lines > 2);
    in_library([&] { log = fail(errc::cancelled, phase::none); });
    std::uint64_t last_of_all = 0, last_of_one = 0;
    EXPECT(read_events(*of_one, last_of_one));
    EXPECT(read_events(*of_all, last_of_all));
    EXPECT(last_of_one > 0 && last_of_all > last_of_one);
    in_library([&] { of_one = fail(errc::cancelled, phase::none); });
    in_library([&] { of_all = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("streams of events live with a failing allocation")
{
    run_matrix("events", [] { return watched(0); });
    run_matrix("events_with_threads", [] { return watched(1); });
}

} // namespace slk::testing
