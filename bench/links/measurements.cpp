// SPDX-License-Identifier: MPL-2.0
#include "measurements.hpp"

#include "allocations.hpp"

#include "tools/support/statistics.hpp"

#include <serverlink/serverlink.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;

template <class Value>
Value or_exit(slk::result<Value> made, const char* what)
{
    if (!made) {
        std::fprintf(stderr, "%s: %s\n", what, slk::to_string(made.error()).c_str());
        std::exit(1);
    }
    return std::move(*made);
}

slk::link_options to_port(std::uint16_t port)
{
    slk::link_options options;
    options.to = {.host = "127.0.0.1", .port = port};
    return options;
}

constexpr std::size_t cycling_links = 64;

/// The links retry after about a millisecond. Each goes through some cycles before the count.
double allocations_per_attempt(std::uint16_t port, std::uint64_t attempts, bool with_handler)
{
    auto loop = or_exit(slk::loop::create(), "loop");
    slk::link_options options = to_port(port);
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 1ms;
    std::vector<slk::link> links;
    for (std::size_t i = 0; i < cycling_links; ++i) {
        slk::link_handlers handlers;
        if (with_handler)
            handlers.connected = [](slk::stream connection) { connection.reset(); };
        links.push_back(or_exit(slk::link::create(loop, options, std::move(handlers)), "link"));
        links.back().start();
    }
    const auto attempts_so_far = [&] {
        std::uint64_t sum = 0;
        for (const slk::link& each : links)
            sum += each.status().attempt;
        return sum;
    };
    const auto all_warm = [&] {
        return std::all_of(links.begin(), links.end(),
                           [](const slk::link& each) { return each.status().attempt >= 8; });
    };
    if (!or_exit(loop.run_until(all_warm, 60s), "run"))
        std::fprintf(stderr, "not every link made 8 attempts within a minute\n");
    const std::uint64_t before = attempts_so_far();
    const std::function<bool()> enough = [&] { return attempts_so_far() >= before + attempts; };
    begin_counting();
    (void)loop.run_until(enough, 60s);
    const allocation_counts counts = end_counting();
    return static_cast<double>(counts.calls) / static_cast<double>(attempts_so_far() - before);
}

std::int64_t resident_bytes()
{
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0;
    std::int64_t resident = 0;
    file >> all >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

/// The listener of the healing links, on a thread of its own.
class restarted_listener {
public:
    restarted_listener() { (void)loop_.start_thread(); }
    /// The loop ends before what its handlers use.
    ~restarted_listener()
    {
        stop();
        loop_.stop();
    }
    restarted_listener(const restarted_listener&) = delete;
    restarted_listener& operator=(const restarted_listener&) = delete;

    void start()
    {
        on_loop([this] {
            slk::listener_options options;
            options.at = {.host = "127.0.0.1", .port = port_};
            options.backlog = 4096;
            listener_.emplace(or_exit(
                slk::listener::create(
                    loop_, options,
                    {.accepted = [this](slk::stream s) { streams_.push_back(std::move(s)); }}),
                "listener"));
            port_ = listener_->local_address().port;
        });
    }

    void stop()
    {
        on_loop([this] {
            listener_.reset();
            for (slk::stream& each : streams_)
                each.reset();
            streams_.clear();
        });
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    void on_loop(const std::function<void()>& work)
    {
        std::atomic<bool> done{false};
        const bool posted = loop_.post([&] {
            work();
            done = true;
            done.notify_one();
        });
        if (posted)
            done.wait(false);
    }

    std::uint16_t port_ = 0;
    std::optional<slk::listener> listener_;
    std::vector<slk::stream> streams_;
    slk::loop loop_ = or_exit(slk::loop::create(), "loop");
};

} // namespace

double allocations_per_refused_attempt(std::uint16_t dead_port, std::uint64_t attempts)
{
    return allocations_per_attempt(dead_port, attempts, false);
}

double allocations_per_closed_connection(std::uint16_t port, std::uint64_t cycles)
{
    return allocations_per_attempt(port, cycles, true);
}

double allocations_per_lost_connection(std::uint16_t resetting_port, std::uint64_t cycles)
{
    return allocations_per_attempt(resetting_port, cycles, false);
}

waiting_cost cost_of_waiting(std::uint16_t dead_port, std::size_t count)
{
    auto loop = or_exit(slk::loop::create(), "loop");
    slk::link_options options = to_port(dead_port);
    options.reconnect.base = 1h;
    options.reconnect.floor = 1h;
    options.reconnect.cap = 1h;
    const std::int64_t resident_before = resident_bytes();
    begin_counting();
    std::vector<slk::link> links;
    links.reserve(count);
    // In portions, because each attempt has a descriptor.
    constexpr std::size_t portion = 256;
    while (links.size() < count) {
        const std::size_t first = links.size();
        for (std::size_t i = first; i < std::min(count, first + portion); ++i) {
            links.push_back(or_exit(slk::link::create(loop, options), "link"));
            links.back().start();
        }
        const auto all_wait = [&] {
            return std::all_of(links.begin() + static_cast<std::ptrdiff_t>(first), links.end(),
                               [](const slk::link& each) {
                                   return each.status().state == slk::link_state::backoff;
                               });
        };
        if (!or_exit(loop.run_until(all_wait, 60s), "run"))
            std::fprintf(stderr, "not every link was refused within a minute\n");
    }
    const allocation_counts counts = end_counting();
    const auto per_link = [&](std::int64_t bytes) {
        return static_cast<double>(bytes) / static_cast<double>(count);
    };
    return {count, per_link(counts.bytes), per_link(resident_bytes() - resident_before)};
}

healing_times time_to_heal(std::size_t count, double down_seconds)
{
    restarted_listener other_side;
    other_side.start();

    auto loop = or_exit(slk::loop::create(), "loop");
    std::size_t connected = 0;
    std::vector<slk::time_point> healed_at(count);
    std::vector<slk::link> links;
    links.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto moved = [&, i](const slk::link_transition& move, const slk::link_status&) {
            if (move.to == slk::link_state::connected) {
                ++connected;
                healed_at[i] = move.at;
            } else if (move.from == slk::link_state::connected) {
                --connected;
            }
        };
        links.push_back(or_exit(
            slk::link::create(loop, to_port(other_side.port()), {.state_changed = moved}), "link"));
        links.back().start();
    }
    if (!or_exit(loop.run_until([&] { return connected == count; }, 60s), "run"))
        std::fprintf(stderr, "not every link was connected within a minute\n");
    // So that the links that connected last, too, have been connected for a second.
    (void)loop.run_for(1500ms);

    other_side.stop();
    (void)loop.run_for(
        std::chrono::duration_cast<slk::duration>(std::chrono::duration<double>(down_seconds)));
    const std::size_t still_connected = connected;
    if (still_connected != 0)
        std::fprintf(stderr, "%zu links still seem to be connected\n", still_connected);
    other_side.start();
    const slk::time_point back = slk::system_clock_source().now();
    (void)loop.run_until([&] { return connected == count; }, 60s);

    slk::tool::histogram delays;
    for (const slk::time_point at : healed_at)
        if (at > back)
            delays.add(at - back);
    healing_times times{.links = count, .healed = connected, .down_seconds = down_seconds};
    times.median = delays.quantile(0.5) / 1e9;
    times.p99 = delays.quantile(0.99) / 1e9;
    times.slowest = delays.max() / 1e9;
    return times;
}

} // namespace bench
