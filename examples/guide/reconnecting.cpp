// SPDX-License-Identifier: MPL-2.0
// A peer goes and comes back: what waits for it is sent, or only the newest message is.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

static slk::result<void> receive_all(slk::pull& pull, const char* who)
{
    slk::message next;
    while (true) {
        SLK_TRY(pull.receive(next, 30s));
        std::printf("%s: %.*s\n", who, static_cast<int>(next.size()), next.text().data());
        if (next.text() == "last")
            return {};
    }
}

// part: outage
static slk::result<void> outage(slk::queue_policy policy)
{
    SLK_TRY(auto in, slk::context::create());
    slk::push_options options;
    options.on_reconnect = policy;
    options.reconnect.base = 10ms; // so that the program does not take long
    options.reconnect.floor = 10ms;
    SLK_TRY(auto push, slk::push::create(in, options));

    SLK_TRY(auto first, slk::pull::create(in));
    SLK_TRY(const std::string where, first.bind("tcp://127.0.0.1:0"));
    SLK_TRY(push.connect(where));
    SLK_TRY(push.send("while it is there"));
    SLK_TRY(push.send("last"));
    SLK_TRY(receive_all(first, "first"));

    // The peer goes. The link notices, and tries to connect again and again.
    SLK_TRY(auto events, slk::event_stream::of(push, {.kinds = {slk::event_kind::disconnected}}));
    first.close(1s);
    SLK_TRY(events.next(30s));
    SLK_TRY(push.send("while it is away"));
    SLK_TRY(push.send("last"));

    SLK_TRY(auto second, slk::pull::create(in));
    SLK_TRY(second.bind(where));
    SLK_TRY(receive_all(second, "second"));

    const slk::socket_counters counted = push.counters();
    std::printf("dropped: %d, perhaps lost: %d\n", static_cast<int>(counted.dropped_stale),
                static_cast<int>(counted.unconfirmed));
    return {};
}
// end

int main()
{
    auto ran = outage(slk::queue_policy::keep);
    if (ran)
        ran = outage(slk::queue_policy::keep_newest);
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
