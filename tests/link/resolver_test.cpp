// SPDX-License-Identifier: MPL-2.0
#include "link_rig.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace slk::link_tests {

namespace {

/// Shared by a test and the lookup threads, which may outlive its loop.
struct slow_names {
    std::mutex mutex;
    std::condition_variable changed;
    bool answering = false;
    std::atomic<int> asked = 0;
    std::atomic<int> answered = 0;
    address found{};

    void answer()
    {
        const std::lock_guard guard(mutex);
        answering = true;
        changed.notify_all();
    }

    /// Nothing wakes the loop when a lookup begins, so a test must not wait for that on the loop.
    bool wait_until_asked(int times)
    {
        std::unique_lock guard(mutex);
        return changed.wait_for(guard, 20s, [&] { return asked >= times; });
    }
};

loop_options slow(const std::shared_ptr<slow_names>& names)
{
    loop_options options;
    options.lookup = [names](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        std::unique_lock guard(names->mutex);
        ++names->asked;
        names->changed.notify_all();
        names->changed.wait_for(guard, 20s, [&] { return names->answering; });
        ++names->answered;
        return std::vector{names->found};
    };
    return options;
}

endpoint named(const std::string& host)
{
    return *endpoint::parse("tcp://" + host + ":7");
}

} // namespace

TEST_CASE("links that look up the same name at the same time share one lookup")
{
    const auto names = std::make_shared<slow_names>();
    rig on(slow(names));
    server peer(*on);
    names->found = peer.where();
    std::vector<link> links;
    for (int number = 0; number < 100; ++number) {
        links.push_back(make_link(*on, named("same"), quick()));
        links.back().start();
    }
    const auto binding = [](const link& each) {
        return each.status().state == link_state::binding;
    };
    REQUIRE(on.until([&] { return std::ranges::all_of(links, binding); }));
    REQUIRE(names->wait_until_asked(1));
    links.erase(links.begin(), links.begin() + 50);
    names->answer();
    REQUIRE(on.until([&] { return std::ranges::all_of(links, connected); }));
    for (const link& each : links)
        CHECK_MESSAGE(each.status().attempt == 1, each.report());
    CHECK(names->asked == 1);
}

TEST_CASE("different names are looked up in parallel, at most one per thread")
{
    const auto names = std::make_shared<slow_names>();
    loop_options options = slow(names);
    options.resolver_threads = 3;
    rig on(options);
    server peer(*on);
    names->found = peer.where();
    std::vector<link> links;
    for (int number = 0; number < 10; ++number) {
        links.push_back(make_link(*on, named("name" + std::to_string(number)), quick()));
        links.back().start();
    }
    on.pass(10ms);
    REQUIRE(names->wait_until_asked(3));
    on.pass(10ms);
    CHECK(names->asked == 3);
    names->answer();
    CHECK(on.until([&] { return std::ranges::all_of(links, connected); }));
    CHECK(names->asked == 10);
}

TEST_CASE("a loop ends at once although a lookup blocks, and the late result is dropped")
{
    const auto names = std::make_shared<slow_names>();
    const auto begin = std::chrono::steady_clock::now();
    {
        rig on(slow(names));
        link dialling = make_link(*on, named("slow"), quick());
        dialling.start();
        on.pass(1ms);
        REQUIRE(names->wait_until_asked(1));
        on.end();
        CHECK(dialling.status().state == link_state::idle);
    }
    CHECK(std::chrono::steady_clock::now() - begin < 10s);
    CHECK(names->answered == 0);
    names->answer();
    while (names->answered == 0 && std::chrono::steady_clock::now() - begin < 20s)
        std::this_thread::yield();
    CHECK(names->answered == 1);
}

TEST_CASE("a restart during a blocked lookup waits for the cancelled one and asks again")
{
    const auto names = std::make_shared<slow_names>();
    rig on(slow(names));
    server peer(*on);
    names->found = peer.where();
    link dialling = make_link(*on, named("slow"), quick());
    dialling.start();
    on.pass(1ms);
    REQUIRE(names->wait_until_asked(1));
    dialling.stop();
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().attempt == 2; }));
    names->answer();
    CHECK(on.until([&] { return connected(dialling); }));
}

} // namespace slk::link_tests
