// SPDX-License-Identifier: MPL-2.0
// Speed and latency: batches of small messages, and a context without threads.
#include <serverlink/serverlink.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

static double seconds_since(std::chrono::steady_clock::time_point begin)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

static constexpr std::size_t messages = 100'000;

// part: batches
static slk::result<void> stream()
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0"));
    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where));

    const auto begin = std::chrono::steady_clock::now();
    std::jthread sender([&push](const std::stop_token& stop) {
        static constexpr std::array<std::byte, 64> bytes{};
        const std::vector<std::span<const std::byte>> batch(100, bytes);
        for (std::size_t sent = 0; sent < messages;) {
            const auto some = push.send_batch(batch, stop); // framed straight from our memory
            if (!some)
                return;
            sent += *some;
        }
    });
    std::size_t received = 0;
    slk::received_batch parts; // views into the memory where they have arrived
    while (received < messages) {
        SLK_TRY(const std::size_t some, pull.receive_batch(parts, 1000, 30s));
        received += some;
    }
    std::printf("received %d messages\n", static_cast<int>(received));
    std::fprintf(stderr, "%.0f messages per second\n",
                 static_cast<double>(received) / seconds_since(begin));
    return {};
}
// end

// part: latency
static slk::result<void> round_trips()
{
    // Without threads: the thread that calls a socket sends and receives by itself. Each side has a
    // context of its own, as in two processes.
    SLK_TRY(auto mine, slk::context::create({.threads = 0}));
    SLK_TRY(auto pair, slk::pair::create(mine));
    SLK_TRY(const std::string where, pair.bind("tcp://127.0.0.1:0"));
    std::jthread peer([&where](const std::stop_token& stop) {
        auto theirs = slk::context::create({.threads = 0});
        if (!theirs)
            return;
        auto echo = slk::pair::create(*theirs);
        slk::message next;
        if (echo && echo->connect(where))
            while (echo->receive(next, stop) && echo->send(std::move(next), stop)) {
            }
    });

    slk::message next;
    SLK_TRY(pair.send("ping", 30s));
    SLK_TRY(pair.receive(next, 30s)); // the connection is up
    const auto begin = std::chrono::steady_clock::now();
    for (int trip = 0; trip < 1000; ++trip) {
        SLK_TRY(pair.send("ping", 30s));
        SLK_TRY(pair.receive(next, 30s));
    }
    std::printf("1000 round trips\n");
    std::fprintf(stderr, "%.1f us for each\n", seconds_since(begin) * 1000);
    return {};
}
// end

int main()
{
    auto ran = stream();
    if (ran)
        ran = round_trips();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
