// SPDX-License-Identifier: MPL-2.0

// loop::watch() on each backend, with descriptors that are not the loop's. POSIX.

#include "link/link_rig.hpp"

#include "support/forked.hpp"
#include "support/must.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace slk::link_tests {

using slk::testing::code_of;
using slk::testing::in_a_child;

namespace {

/// A pipe, or a pair of sockets.
class two_ends {
public:
    explicit two_ends(bool sockets = false)
    {
        REQUIRE((sockets ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : ::pipe(ends)) == 0);
        for (const int each : ends)
            REQUIRE(::fcntl(each, F_SETFL, O_NONBLOCK) == 0);
    }
    two_ends(const two_ends&) = delete;
    two_ends& operator=(const two_ends&) = delete;
    ~two_ends()
    {
        close(0);
        close(1);
    }

    [[nodiscard]] int reader() const { return ends[0]; }
    [[nodiscard]] int writer() const { return ends[1]; }
    void close(int which)
    {
        if (ends[which] >= 0)
            ::close(std::exchange(ends[which], -1));
    }
    void write(std::string_view text = "x") const
    {
        CHECK(::write(writer(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    /// Returns the number of bytes, or -1.
    [[nodiscard]] ssize_t read(std::size_t count = 100) const
    {
        char space[100];
        return ::read(reader(), space, std::min(count, sizeof space));
    }
    void fill() const
    {
        const std::array<char, 4096> bytes{};
        while (::write(writer(), bytes.data(), bytes.size()) > 0) {
        }
    }

private:
    int ends[2]{-1, -1};
};

descriptor_watch watched(loop& on, int descriptor, watch_for wanted,
                         std::function<void(descriptor_state)> work)
{
    auto made = on.watch(descriptor, wanted, std::move(work));
    if (!made)
        FAIL(to_string(made.error()));
    return std::move(*made);
}

/// Gives the loop time to do what it should not do.
void give_turns(loop& on)
{
    for (int turn = 0; turn < 5; ++turn)
        CHECK(on.run_for(1ms));
}

} // namespace

TEST_CASE("a watch reports what is there already, and what comes later")
{
    for (const bool sockets : {false, true}) {
        rig on;
        const two_ends ends(sockets);
        ends.write("ab");
        ssize_t received = 0;
        int calls = 0;
        descriptor_state last;
        const auto watch =
            watched(*on, ends.reader(), watch_for::readable, [&](descriptor_state now) {
                ++calls;
                last = now;
                received += ends.read();
            });
        CHECK(calls == 0); // not inside the call
        REQUIRE(on.until([&] { return received == 2; }));
        CHECK(last.readable);
        CHECK_FALSE(last.writable);
        CHECK_FALSE(last.failed);
        give_turns(*on);
        CHECK(calls == 1);
        ends.write("c");
        REQUIRE(on.until([&] { return received == 3; }));
        CHECK(calls == 2);
        CHECK(watch.active());
    }
}

TEST_CASE("a watch is by level: what was left is reported in the next turn")
{
    rig on;
    const two_ends ends;
    ends.write("0123456789");
    int calls = 0;
    const auto watch = watched(*on, ends.reader(), watch_for::readable, [&](descriptor_state) {
        ++calls;
        CHECK(ends.read(1) == 1);
    });
    REQUIRE(on.until([&] { return calls == 10; }));
    give_turns(*on);
    CHECK(calls == 10);
}

TEST_CASE("a watch that is never satisfied does not keep the others from their turn")
{
    rig on;
    const two_ends busy;
    const two_ends other;
    busy.write();
    int busy_calls = 0;
    int other_calls = 0;
    int timer_calls = 0;
    bool posted = false;
    const auto first =
        watched(*on, busy.reader(), watch_for::readable, [&](descriptor_state) { ++busy_calls; });
    const auto second = watched(*on, other.reader(), watch_for::readable, [&](descriptor_state) {
        ++other_calls;
        CHECK(other.read() == 1);
    });
    const auto ticking = *on->call_every(1ms, [&] {
        ++timer_calls;
        other.write();
    });
    REQUIRE(on->post([&] { posted = true; }));
    REQUIRE(on.until([&] { return posted && timer_calls > 5 && other_calls > 5; }));
    CHECK(busy_calls > 5);
}

TEST_CASE("a watch reports room to write, and both directions")
{
    rig on;
    const two_ends ends(true);
    int writable = 0;
    int readable = 0;
    auto watch = watched(*on, ends.writer(), watch_for::both, [&](descriptor_state now) {
        writable += now.writable ? 1 : 0;
        readable += now.readable ? 1 : 0;
    });
    REQUIRE(on.until([&] { return writable > 0; }));
    CHECK(readable == 0);
    ends.fill();
    give_turns(*on);
    writable = 0;
    give_turns(*on);
    CHECK(writable == 0);
    CHECK(::write(ends.reader(), "x", 1) == 1);
    REQUIRE(on.until([&] { return readable > 0; }));
    CHECK(writable == 0);
    while (ends.read() > 0) {
    }
    REQUIRE(on.until([&] { return writable > 0; }));
}

TEST_CASE("a watch can change what it waits for, and pause")
{
    rig on;
    const two_ends ends(true);
    int calls = 0;
    descriptor_state last;
    bool inside = false;
    SUBCASE("from outside") {}
    SUBCASE("from inside of its function")
    {
        inside = true;
    }
    std::optional<watch_for> next;
    descriptor_watch watch;
    const auto set = [&](watch_for wanted) {
        if (!inside) {
            CHECK(watch.set(wanted));
            calls = 0;
            return;
        }
        next = wanted;
        CHECK(on.until([&] { return !next; }));
        calls = 0;
    };
    watch = watched(*on, ends.writer(), watch_for::writable, [&](descriptor_state now) {
        ++calls;
        last = now;
        if (next) {
            CHECK(watch.set(*next));
            next.reset();
        }
    });
    REQUIRE(on.until([&] { return calls > 0; }));
    CHECK(last.writable);
    set(watch_for::readable);
    give_turns(*on);
    CHECK(calls == 0);
    CHECK(::write(ends.reader(), "x", 1) == 1);
    REQUIRE(on.until([&] { return calls > 0; }));
    CHECK(last.readable);
    CHECK_FALSE(last.writable);
    set(watch_for::both);
    REQUIRE(on.until([&] { return calls > 0; }));
    CHECK(last.readable);
    CHECK(last.writable);
    set(watch_for::nothing);
    give_turns(*on);
    CHECK(calls == 0);
    CHECK(watch.active());
    inside = false;
    set(watch_for::nothing);
    set(watch_for::writable);
    REQUIRE(on.until([&] { return calls > 0; }));
    CHECK(last.writable);
}

TEST_CASE("the end of its handle ends a watch, and the loop does not hold the descriptor")
{
    rig on;
    two_ends ends(true);
    const auto alive = std::make_shared<int>(0);
    int calls = 0;
    auto watch = watched(*on, ends.writer(), watch_for::readable,
                         [&calls, alive](descriptor_state) { ++calls; });
    SUBCASE("before it had a turn") {}
    SUBCASE("while the loop waits for it")
    {
        give_turns(*on);
    }
    CHECK(::write(ends.reader(), "x", 1) == 1);
    SUBCASE("after it was ready")
    {
        give_turns(*on);
        CHECK(calls > 0);
    }
    calls = 0;
    watch.cancel();
    CHECK(alive.use_count() == 1);
    CHECK_FALSE(watch.active());
    watch.cancel();
    ends.close(1);
    // U1: a request that the kernel still had would keep the other end open.
    char byte = 0;
    CHECK(::read(ends.reader(), &byte, 1) <= 0);
    CHECK(errno != EAGAIN);
    give_turns(*on);
    CHECK(calls == 0);
    CHECK(code_of(watch.set(watch_for::both)) == errc::invalid_state);
}

TEST_CASE("a function may cancel and destroy its own watch, and the others of the same turn")
{
    rig on;
    std::vector<std::unique_ptr<two_ends>> all;
    std::vector<descriptor_watch> watches;
    int calls = 0;
    bool own = false;
    SUBCASE("its own")
    {
        own = true;
    }
    SUBCASE("all") {}
    for (std::size_t number = 0; number < 20; ++number) {
        all.push_back(std::make_unique<two_ends>());
        all.back()->write();
        watches.push_back(
            watched(*on, all.back()->reader(), watch_for::readable, [&, number](descriptor_state) {
                ++calls;
                if (own) {
                    watches[number] = descriptor_watch();
                    all[number].reset();
                } else {
                    watches.clear();
                    all.clear();
                }
            }));
    }
    REQUIRE(on.until([&] { return calls == (own ? 20 : 1); }));
    give_turns(*on);
    CHECK(calls == (own ? 20 : 1));
}

TEST_CASE("C4: a descriptor with the number of one that was closed gets no event of it")
{
    rig on;
    for (int round = 0; round < 50; ++round) {
        auto first = std::make_unique<two_ends>();
        first->write();
        int of_first = 0;
        int of_second = 0;
        const int number = first->reader();
        auto watch =
            watched(*on, number, watch_for::readable, [&](descriptor_state) { ++of_first; });
        if (round % 2 == 0)
            CHECK(on->run_for(0ns));
        of_first = 0;
        watch.cancel();
        first.reset();
        const two_ends second;
        REQUIRE(second.reader() == number);
        watch = watched(*on, number, watch_for::readable, [&](descriptor_state) { ++of_second; });
        CHECK(on->run_for(0ns));
        CHECK(on->run_for(0ns));
        CHECK(of_first == 0);
        CHECK(of_second == 0);
        second.write();
        REQUIRE(on.until([&] { return of_second > 0; }));
    }
}

TEST_CASE("the end of the other side is readable, or writable, and failed")
{
    rig on;
    two_ends ends;
    std::optional<descriptor_state> seen;
    const auto see = [&](descriptor_state now) { seen = now; };
    descriptor_watch watch;
    SUBCASE("the writer of a pipe")
    {
        watch = watched(*on, ends.reader(), watch_for::readable, see);
        ends.close(1);
        REQUIRE(on.until([&] { return seen.has_value(); }));
        CHECK(seen->readable);
        CHECK(ends.read() == 0);
    }
    SUBCASE("the reader of a pipe")
    {
        ends.fill();
        watch = watched(*on, ends.writer(), watch_for::writable, see);
        give_turns(*on);
        CHECK_FALSE(seen);
        ends.close(0);
        REQUIRE(on.until([&] { return seen.has_value(); }));
        CHECK(seen->writable);
        CHECK(seen->failed);
    }
    CHECK_FALSE((seen->readable && seen->writable));
    CHECK(watch.active());
}

TEST_CASE("a refused connect is writable and failed")
{
    rig on;
    const dead_end nobody;
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    REQUIRE(socket >= 0);
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(nobody.where().port);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)::connect(socket, reinterpret_cast<const sockaddr*>(&target), sizeof target);
    std::optional<descriptor_state> seen;
    {
        const auto watch =
            watched(*on, socket, watch_for::writable, [&](descriptor_state now) { seen = now; });
        REQUIRE(on.until([&] { return seen.has_value(); }));
    }
    CHECK(seen->writable);
    CHECK(seen->failed);
    ::close(socket);
}

TEST_CASE("descriptors that cannot be watched are errors")
{
    rig on;
    const auto nothing = [](descriptor_state) {};
    const auto watch_code = [&](int descriptor) {
        return code_of(on->watch(descriptor, watch_for::readable, nothing));
    };
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    CHECK(watch_code(::fileno(file)) == errc::invalid_argument);
    std::fclose(file);
    const int folder = ::open("/", O_RDONLY | O_CLOEXEC);
    CHECK(watch_code(folder) == errc::invalid_argument);
    ::close(folder);
    CHECK(watch_code(-1) == errc::invalid_argument);
    CHECK(watch_code(folder) == errc::invalid_argument); // closed
    CHECK(code_of(on->watch(std::intptr_t{1} << 40, watch_for::both, nothing)) ==
          errc::invalid_argument);

    const two_ends ends;
    CHECK(code_of(on->watch(ends.reader(), watch_for::readable, {})) == errc::invalid_argument);
    const auto watch = watched(*on, ends.reader(), watch_for::readable, nothing);
    CHECK(watch_code(ends.reader()) == errc::already_exists);
    loop other = new_loop();
    const auto elsewhere = watched(other, ends.reader(), watch_for::readable, nothing);
    CHECK(elsewhere.active());

    loop threaded = new_loop();
    REQUIRE(threaded.start_thread());
    CHECK(code_of(threaded.watch(ends.reader(), watch_for::readable, nothing)) ==
          errc::invalid_state);
}

TEST_CASE("a descriptor that is closed while it is watched ends its watch at most")
{
    rig on;
    two_ends ends;
    const two_ends other;
    int calls = 0;
    int others = 0;
    const int kept = ::dup(ends.reader()); // the file stays open, and readable
    ends.write();
    descriptor_watch watch;
    bool inside = false;
    SUBCASE("from inside of its function")
    {
        inside = true;
    }
    SUBCASE("from outside") {}
    watch = watched(*on, ends.reader(), watch_for::readable, [&](descriptor_state) {
        ++calls;
        if (inside)
            ends.close(0);
    });
    const auto good = watched(*on, other.reader(), watch_for::readable, [&](descriptor_state) {
        ++others;
        CHECK(other.read() == 1);
    });
    if (!inside)
        ends.close(0);
    give_turns(*on);
    const int so_far = calls;
    for (int number = 1; number <= 3; ++number) {
        other.write();
        REQUIRE(on.until([&] { return others == number; }));
    }
    CHECK(calls <= so_far + 1);
    CHECK(so_far <= 3);
    watch.cancel();
    ::close(kept);
}

TEST_CASE("a loop that ends drops its watches without a call")
{
    rig on;
    const two_ends ends;
    ends.write();
    const auto alive = std::make_shared<int>(0);
    int calls = 0;
    auto watch = watched(*on, ends.reader(), watch_for::readable,
                         [&calls, alive](descriptor_state) { ++calls; });
    on.end();
    CHECK(calls == 0);
    CHECK(alive.use_count() == 1);
    CHECK_FALSE(watch.active());
    watch.cancel();
    CHECK(ends.read() == 1); // the descriptor is the program's
}

TEST_CASE("a loop on a thread of its own watches, and any thread cancels")
{
    loop on = new_loop();
    const two_ends ends;
    std::atomic<int> bytes{0};
    const auto alive = std::make_shared<int>(0);
    descriptor_watch watch;
    std::atomic<bool> begun{false};
    REQUIRE(on.start_thread());
    REQUIRE(on.post([&, alive] {
        watch = *on.watch(ends.reader(), watch_for::readable, [&, alive](descriptor_state) {
            if (const auto count = ends.read(); count > 0)
                bytes += static_cast<int>(count);
        });
        begun = true;
    }));
    for (int number = 1; number <= 100; ++number) {
        ends.write();
        while (bytes < number)
            std::this_thread::yield();
    }
    while (!begun)
        std::this_thread::yield();
    watch.cancel();
    while (alive.use_count() > 1)
        std::this_thread::yield();
    CHECK_FALSE(watch.active());
}

TEST_CASE("many watches on one loop are all served")
{
    rig on;
    constexpr std::size_t count = 400;
    std::vector<std::unique_ptr<two_ends>> all;
    std::vector<descriptor_watch> watches;
    std::vector<int> calls(count, 0);
    for (std::size_t number = 0; number < count; ++number) {
        all.push_back(std::make_unique<two_ends>());
        watches.push_back(
            watched(*on, all.back()->reader(), watch_for::readable, [&, number](descriptor_state) {
                ++calls[number];
                CHECK(all[number]->read() == 1);
            }));
    }
    for (int round = 1; round <= 3; ++round) {
        for (const auto& each : all)
            each->write();
        REQUIRE(on.until(
            [&] { return std::ranges::all_of(calls, [&](int each) { return each == round; }); }));
    }
    // Every second one ends, and new ones take their places.
    for (std::size_t number = 0; number < count; number += 2)
        watches[number].cancel();
    for (std::size_t number = 0; number < count; number += 2)
        watches[number] =
            watched(*on, all[number]->reader(), watch_for::readable, [&, number](descriptor_state) {
                ++calls[number];
                CHECK(all[number]->read() == 1);
            });
    for (const auto& each : all)
        each->write();
    REQUIRE(
        on.until([&] { return std::ranges::all_of(calls, [&](int each) { return each == 4; }); }));
}

TEST_CASE("a child may end its copies of watches, and the parent's go on")
{
    for (const bool loop_first : {true, false}) {
        CAPTURE(loop_first);
        std::optional<loop> on = new_loop();
        const two_ends ends;
        int calls = 0;
        std::optional<descriptor_watch> watch =
            watched(*on, ends.reader(), watch_for::readable, [&](descriptor_state) {
                ++calls;
                CHECK(ends.read() > 0);
            });
        CHECK(on->run_for(0ns));
        CHECK(in_a_child([&] {
                  if (code_of(on->watch(ends.writer(), watch_for::writable,
                                        [](descriptor_state) {})) != errc::forked ||
                      code_of(watch->set(watch_for::both)) != errc::forked)
                      return 1;
                  if (loop_first)
                      on.reset();
                  watch->cancel();
                  watch.reset();
                  on.reset();
                  return calls;
              }) == 0);
        ends.write();
        CHECK(on->run_until([&] { return calls == 1; }, 10s).value_or(false));
    }
}

namespace {

int signal_pipe = -1;

void note_signal(int)
{
    const int kept = errno;
    (void)!::write(signal_pipe, "s", 1);
    errno = kept;
}

} // namespace

TEST_CASE("a signal reaches a loop by a pipe that its handler writes to")
{
    rig on;
    const two_ends ends;
    signal_pipe = ends.writer();
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    int signals = 0;
    const auto watch = watched(*on, ends.reader(), watch_for::readable,
                               [&](descriptor_state) { signals += static_cast<int>(ends.read()); });
    const auto later = *on->call_after(1ms, [] { ::kill(::getpid(), SIGUSR1); });
    CHECK(on.until([&] { return signals == 1; }));
    ::kill(::getpid(), SIGUSR1);
    CHECK(on.until([&] { return signals == 2; }));
    REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
}

} // namespace slk::link_tests
