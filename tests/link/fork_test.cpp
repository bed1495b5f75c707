// SPDX-License-Identifier: MPL-2.0

// fork(2): a child may end its copies of loops, links, listeners and streams, and the parent does
// not notice.

#include "link/link_rig.hpp"

#include "support/forked.hpp"
#include "support/must.hpp"

#include <thread>

namespace slk::link_tests {

using slk::testing::code_of;
using slk::testing::in_a_child;

namespace {

/// A loop with a listener, and a link to it; the stream of the link is kept with a receive under
/// way.
struct connected_rig {
    connected_rig()
    {
        on.emplace(new_loop());
        served.emplace(*on);
        link_handlers handlers;
        handlers.connected = [this](stream next) {
            outgoing = std::move(next);
            receive();
        };
        client.emplace(make_link(*on, at(served->where()), quick(), std::move(handlers)));
        client->start();
        REQUIRE(until([&] { return outgoing && !served->streams.empty(); }));
    }

    bool until(const std::function<bool()>& reached)
    {
        return on->run_until(reached, 10s).value_or(false);
    }

    void receive()
    {
        CHECK(outgoing.receive(buffer, [this](const result<std::size_t>& count) {
            received += count ? *count : 0;
            if (count && *count > 0)
                receive();
        }));
    }

    /// What the parent goes on with.
    void check()
    {
        const std::vector<std::byte> bytes = pattern(100);
        transfer_outcome sent;
        CHECK(served->streams.front().send(bytes, store_in(sent)));
        CHECK(until([&] { return sent && received == bytes.size(); }));
        auto second = make_link(*on, at(served->where()), quick());
        second.start();
        CHECK(until([&] { return connected(second) && served->streams.size() == 2; }));
        CHECK(connected(*client));
    }

    std::array<std::byte, 64> buffer{};
    std::size_t received = 0;
    std::optional<slk::loop> on;
    std::optional<server> served;
    stream outgoing;
    std::optional<link> client;
};

} // namespace

TEST_CASE("a child may end its copies of a loop and all that is on it, in any order")
{
    for (const bool loop_first : {true, false}) {
        CAPTURE(loop_first);
        connected_rig parent;
        CHECK(in_a_child([&] {
                  if (loop_first)
                      parent.on.reset();
                  parent.outgoing = {};
                  parent.client.reset();
                  parent.served->streams.front().reset(); // which resets nothing
                  parent.served.reset();
                  parent.on.reset();
                  return 0;
              }) == 0);
        parent.check();
    }
}

TEST_CASE("in a child every other call of an inherited loop, link, listener and stream fails")
{
    connected_rig parent;
    const endpoint where = at(parent.served->where());
    CHECK(in_a_child([&] {
              const std::array<std::byte, 1> byte{};
              std::array<std::byte, 1> into{};
              loop& on = *parent.on;
              stream& bytes = parent.outgoing;
              const errc answers[] = {
                  code_of(on.run()),
                  code_of(on.run_for(1s)),
                  code_of(on.run_until([] { return true; }, 1s)),
                  code_of(on.start_thread()),
                  code_of(link::create(on, {.to = where})),
                  code_of(listener::create(
                      on, {.at = at(address::loopback(address_family::ipv4, 0))}, {})),
                  code_of(bytes.send(byte, {})),
                  code_of(bytes.receive(into, {})),
                  code_of(bytes.shutdown_send()),
                  code_of(bytes.close_after_drain(1s)),
                  parent.client->status().last_error.code,
                  parent.served->listening->status().last_error.code,
              };
              int number = 1;
              for (const errc each : answers) {
                  if (each != errc::forked)
                      return number;
                  ++number;
              }
              on.stop();
              parent.client->stop();
              parent.client->start();
              const bool quiet = !on.post([] {}) && bytes.native_handle() == -1 &&
                                 parent.client->address_failures().empty();
              return quiet ? 0 : number;
          }) == 0);
    parent.check();
}

TEST_CASE("a child may end its copies of timers, and the parent's calls are made")
{
    for (const bool loop_first : {true, false}) {
        CAPTURE(loop_first);
        std::optional<loop> on = new_loop();
        int calls = 0;
        std::optional<timer> once = *on->call_after(1ms, [&] { ++calls; });
        std::optional<timer> often = *on->call_every(1ms, [&] { ++calls; });
        CHECK(in_a_child([&] {
                  if (code_of(on->call_after(1ms, [] {})) != errc::forked || once->active())
                      return 1;
                  if (loop_first)
                      on.reset();
                  once->cancel();
                  once.reset();
                  often.reset();
                  on.reset();
                  return calls;
              }) == 0);
        CHECK(on->run_until([&] { return calls > 3; }, 10s).value_or(false));
    }
}

TEST_CASE("a function of call_every that forks is not called again in the child")
{
    slk::loop on = new_loop();
    int calls = 0;
    bool child = false;
    int status = -1;
    const timer ticking = *on.call_every(1ms, [&] {
        if (++calls != 1)
            return;
        const pid_t pid = ::fork();
        child = pid == 0;
        if (!child)
            (void)::waitpid(pid, &status, 0);
    });
    const auto ran = on.run_until([&] { return calls == 3; }, 10s);
    if (child)
        ::_exit(code_of(ran) == errc::forked && calls == 1 ? 0 : 1);
    CHECK(code_of(ran) == errc::ok);
    CHECK(status == 0);
}

TEST_CASE("a child of a process whose loop has a thread of its own may end the loop")
{
    for (int round = 0; round < 20; ++round) {
        auto on = std::optional<slk::loop>(new_loop());
        REQUIRE(on->start_thread());
        std::atomic<int> done{0};
        CHECK(on->post([&] { ++done; }));
        CHECK(in_a_child([&] {
                  on->stop();
                  on.reset();
                  return 0;
              }) == 0);
        CHECK(on->post([&] { ++done; }));
        while (done < 2)
            std::this_thread::yield();
    }
}

TEST_CASE("a run that a handler has forked in ends in the child as forked")
{
    slk::loop on = new_loop();
    std::optional<int> outcome;
    bool child = false;
    CHECK(on.post([&] {
        const pid_t pid = ::fork();
        child = pid == 0;
        if (child)
            return;
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        outcome = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }));
    const auto ran = on.run_until([&] { return outcome.has_value(); }, 10s);
    if (child)
        ::_exit(code_of(ran) == errc::forked ? 0 : 1);
    CHECK(code_of(ran) == errc::ok);
    CHECK(outcome == 0);
}

TEST_CASE("a handler that forks, and returns in the child, takes nothing from the parent's loop")
{
    slk::loop on = new_loop();
    bool child = false;
    int runs = 0;
    pid_t pid = 0;
    CHECK(on.post([&] {
        pid = ::fork();
        child = pid == 0;
        if (child)
            return;
        // The wake is there while the child goes on, and must still be there for the parent.
        std::jthread([&] { CHECK(on.post([&] { ++runs; })); }).join();
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }));
    CHECK(on.post([&] {
        if (child)
            ::_exit(3); // work that was posted to the parent's loop
        ++runs;
    }));
    const auto ran = on.run_until([&] { return runs == 2; }, 10s);
    if (child)
        ::_exit(code_of(ran) == errc::forked ? 0 : 1);
    CHECK(code_of(ran) == errc::ok);
    // The loop sleeps, and is woken.
    std::jthread later([&] {
        std::this_thread::sleep_for(100ms);
        CHECK(on.post([&] { ++runs; }));
    });
    const auto woken = on.run_until([&] { return runs == 3; }, 5s);
    CHECK(woken == true);
}

} // namespace slk::link_tests
