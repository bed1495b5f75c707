// SPDX-License-Identifier: MPL-2.0

// loop::event_handle() and loop::poll_timeout(): a program that waits in poll(2), or in an epoll of
// its own, neither spins nor misses anything. POSIX.

#include "link/link_rig.hpp"

#include "support/must.hpp"

#include <atomic>
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace slk::link_tests {

using slk::testing::code_of;

namespace {

/// A program's own loop, around one of the library or several.
class foreign_loop {
public:
    explicit foreign_loop(std::vector<loop*> all) : all_(std::move(all))
    {
        for (loop* const each : all_) {
            const auto handle = each->event_handle();
            if (!handle) {
                CHECK(handle.error() == errc::not_supported);
                CHECK(each->backend() == "select");
                handles_.clear();
                return;
            }
            handles_.push_back({static_cast<int>(*handle), POLLIN, 0});
        }
    }

    /// False: the backend has no handle.
    [[nodiscard]] bool works() const { return !handles_.empty(); }

    /// Waits once, for at most `longest`, and runs what is to be run.
    void turn(duration longest)
    {
        duration limit = longest;
        std::vector<duration> due;
        for (loop* const each : all_) {
            due.push_back(each->poll_timeout());
            limit = std::min(limit, due.back());
        }
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
        const time_point begin = system_clock_source().now();
        int ready = ::poll(handles_.data(), handles_.size(), static_cast<int>(whole));
        if (ready < 0) {
            CHECK(errno == EINTR);
            ready = 0;
            for (pollfd& each : handles_)
                each.revents = 0;
        }
        const duration waited = system_clock_source().now() - begin;
        for (std::size_t index = 0; index < all_.size(); ++index) {
            if (handles_[index].revents == 0 && due[index] > waited)
                continue;
            ++runs;
            CHECK(all_[index]->run_for(0ns));
        }
    }

    bool until(const std::function<bool()>& reached, duration bound = 10s)
    {
        const time_point end = after(system_clock_source().now(), bound);
        while (!reached()) {
            const duration left = end - system_clock_source().now();
            if (left <= 0ns)
                return false;
            turn(left);
        }
        return true;
    }
    void pass(duration time)
    {
        (void)until([] { return false; }, time);
    }

    int runs = 0;

private:
    std::vector<loop*> all_;
    std::vector<pollfd> handles_;
};

/// A client and a server that send a byte back and forth.
struct ping_pong {
    explicit ping_pong(loop& of_client, loop& of_server)
        : there(of_server), client(make_link(of_client, at(there.where()), quick(), {}))
    {
        link_handlers handlers;
        handlers.connected = [this](stream next) { here = std::move(next); };
        client = make_link(of_client, at(there.where()), quick(), std::move(handlers));
        client.start();
    }
    [[nodiscard]] bool connected() const { return here && !there.streams.empty(); }
    void begin(int count)
    {
        left = count;
        echo();
        ask();
    }
    void ask()
    {
        CHECK(here.send(byte, [](auto) {}));
        CHECK(here.receive(reply, [this](result<std::size_t> got) {
            REQUIRE(got);
            if (--left > 0)
                ask();
        }));
    }
    void echo()
    {
        CHECK(there.streams.front().receive(request, [this](result<std::size_t> got) {
            if (!got || *got == 0)
                return;
            CHECK(there.streams.front().send(byte, [](auto) {}));
            echo();
        }));
    }

    server there;
    link client;
    stream here;
    std::array<std::byte, 1> byte{};
    std::array<std::byte, 1> reply{};
    std::array<std::byte, 1> request{};
    int left = 0;
};

} // namespace

TEST_CASE("a program that waits for the handle misses no event of links and streams")
{
    rig on;
    foreign_loop outer({&*on});
    if (!outer.works())
        return;
    ping_pong both(*on, *on);
    REQUIRE(outer.until([&] { return both.connected(); }));
    both.begin(1000);
    CHECK(outer.until([&] { return both.left == 0; }));
}

TEST_CASE("two loops in one program are both served")
{
    rig first;
    rig second;
    foreign_loop outer({&*first, &*second});
    if (!outer.works())
        return;
    ping_pong both(*first, *second);
    REQUIRE(outer.until([&] { return both.connected(); }));
    both.begin(300);
    CHECK(outer.until([&] { return both.left == 0; }));
}

TEST_CASE("the handle is quiet while nothing happens")
{
    rig on;
    foreign_loop outer({&*on});
    if (!outer.works())
        return;
    ping_pong both(*on, *on);
    REQUIRE(outer.until([&] { return both.connected(); }));
    outer.pass(5ms);
    CHECK(on->poll_timeout() == duration::max());
    outer.runs = 0;
    outer.pass(50ms);
    CHECK(outer.runs <= 1);

    // Something is under way, and has not come.
    CHECK(both.here.receive(both.reply, [](auto) {}));
    outer.pass(2ms);
    outer.runs = 0;
    outer.pass(50ms);
    CHECK(outer.runs <= 1);
}

TEST_CASE("what is begun outside of a run reaches the system before the program waits")
{
    rig on;
    foreign_loop outer({&*on});
    if (!outer.works())
        return;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    int calls = 0;
    auto watch = on->watch(ends[0], watch_for::readable, [&](descriptor_state) {
        char byte = 0;
        CHECK(::read(ends[0], &byte, 1) == 1);
        ++calls;
    });
    REQUIRE(watch);
    std::thread writer([&] { CHECK_FALSE(::write(ends[1], "x", 1) < 0); });
    CHECK(outer.until([&] { return calls == 1; }));
    writer.join();
    REQUIRE(watch->set(watch_for::nothing));
    REQUIRE(watch->set(watch_for::readable));
    CHECK(::write(ends[1], "x", 1) == 1);
    CHECK(outer.until([&] { return calls == 2; }));
    outer.pass(2ms);
    outer.runs = 0;
    outer.pass(20ms);
    CHECK(outer.runs <= 1);
    watch->cancel();
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("timed calls and posted work are due in time")
{
    rig on;
    foreign_loop outer({&*on});
    if (!outer.works())
        return;
    CHECK(on->poll_timeout() == duration::max());
    bool called = false;
    const time_point begin = system_clock_source().now();
    const auto once = on->call_after(20ms, [&] { called = true; });
    REQUIRE(once);
    CHECK(on->poll_timeout() <= 20ms);
    CHECK(outer.until([&] { return called; }));
    CHECK(system_clock_source().now() - begin >= 20ms);
    CHECK(on->poll_timeout() == duration::max());

    bool here = false;
    REQUIRE(on->post([&] { here = true; }));
    CHECK(on->poll_timeout() == 0ns);
    CHECK(outer.until([&] { return here; }));
}

TEST_CASE("C14: no post of another thread is missed while the program waits")
{
    rig on;
    foreign_loop outer({&*on});
    if (!outer.works())
        return;
    constexpr int count = 2000;
    std::atomic<int> done{0};
    std::thread other([&] {
        for (int number = 1; number <= count; ++number) {
            if (!on->post([&] { ++done; }))
                break;
            while (number % 10 == 0 && done < number)
                std::this_thread::yield();
        }
    });
    CHECK(outer.until([&] { return done == count; }, 30s));
    other.join();
}

TEST_CASE("a handle is for the thread that runs the loop, and for a loop that is open")
{
    rig on;
    if (!foreign_loop({&*on}).works())
        return;
    loop threaded = new_loop();
    REQUIRE(threaded.start_thread());
    CHECK(code_of(threaded.event_handle()) == errc::invalid_state);
    CHECK(threaded.poll_timeout() == duration::max());
    loop moved = std::move(*on);
    CHECK(code_of(on->event_handle()) == errc::invalid_state);
    CHECK(on->poll_timeout() == duration::max());
    CHECK(moved.event_handle());
}

} // namespace slk::link_tests
