// SPDX-License-Identifier: MPL-2.0
// What an operator wants to see: a log, events, and numbers for Prometheus.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

static slk::result<void> run()
{
    SLK_TRY(auto in, slk::context::create());

    // part: log
    // Each line from `warning` on, on a thread of the context; it must not take long.
    slk::log_options logged;
    logged.level = slk::log_level::warning;
    logged.handler = [](const slk::log_line& line) {
        std::fprintf(stderr, "%s\n", slk::to_string(line).c_str());
    };
    SLK_TRY(const auto log, slk::log_stream::of(in, logged));
    // end

    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0"));

    // part: events
    slk::event_options wanted;
    wanted.kinds = {slk::event_kind::peer_added, slk::event_kind::peer_removed,
                    slk::event_kind::dropped};
    SLK_TRY(auto events, slk::event_stream::of(pull, wanted));
    {
        SLK_TRY(auto push, slk::push::create(in));
        SLK_TRY(push.connect(where));
        SLK_TRY(push.send("hello"));
        slk::message next;
        SLK_TRY(pull.receive(next, 30s));
    }
    for (int number = 0; number < 2; ++number) {
        // Some events come in calls of the socket; a program that receives makes them anyway.
        auto next = events.next(10ms);
        while (!next && next.error() == slk::errc::timed_out) {
            (void)pull.events();
            next = events.next(10ms);
        }
        SLK_TRY(const slk::event happened, next);
        std::printf("%s\n", slk::name_of(happened.kind).data());
    }
    // end

    // part: metrics
    SLK_TRY(const slk::context_metrics numbers, slk::metrics_of(in));
    for (const slk::socket_metrics& socket : numbers.sockets)
        std::printf("%s has received %d\n", socket.type.data(),
                    static_cast<int>(socket.counters.received));
    SLK_TRY(const std::string text, slk::open_metrics(numbers)); // for Prometheus
    std::printf("%s\n", text.find("# EOF") != std::string::npos ? "and as OpenMetrics" : "");
    // end
    return {};
}

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
