// SPDX-License-Identifier: MPL-2.0

// Rule 16. POSIX: the descriptors are pipes.

#include "contract/harness.hpp"

#include <sys/socket.h>
#include <unistd.h>

using namespace slk;
using namespace slk::contract;

namespace {

struct tracked_watch : io::watch {
    tracked_watch()
    {
        owner = this;
        on_ready = [](io::watch& self) noexcept {
            auto& mine = *static_cast<tracked_watch*>(self.owner);
            ++mine.reports;
            if (mine.then)
                mine.then();
        };
    }
    int reports = 0;
    std::function<void()> then;
};

/// A pair of sockets that other code has opened.
struct foreign_pair {
    foreign_pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
    foreign_pair(const foreign_pair&) = delete;
    foreign_pair& operator=(const foreign_pair&) = delete;
    ~foreign_pair()
    {
        ::close(ends[0]);
        ::close(ends[1]);
    }

    void write() const { CHECK(::write(ends[1], "x", 1) == 1); }
    void read() const
    {
        char byte = 0;
        CHECK(::read(ends[0], &byte, 1) == 1);
    }

    int ends[2]{-1, -1};
};

} // namespace

SLK_BACKEND_TEST("rule 16: a watch reports by level, once in a turn, and never inline")
{
    rig loop(backend);
    const foreign_pair pair;
    pair.write();
    tracked_watch watch;
    REQUIRE(loop->begin_watch(watch, pair.ends[0], true, false).has_value());
    CHECK(watch.reports == 0);
    REQUIRE(loop.run_until([&] { return watch.reports == 1; }));
    for (int turn = 2; turn < 10; ++turn) {
        loop.turns(1);
        CHECK(watch.reports == turn);
    }
    pair.read();
    loop.turns(2);
    const int so_far = watch.reports;
    CHECK(so_far <= 10); // the kernel may have had a last event ready
    loop.turns(5);
    CHECK(watch.reports == so_far);
    loop->end_watch(watch);
}

SLK_BACKEND_TEST("rule 16: no report comes after end_watch")
{
    rig loop(backend);
    const foreign_pair pairs[3];
    tracked_watch watches[3];
    for (int index = 0; index < 3; ++index) {
        pairs[index].write();
        REQUIRE(loop->begin_watch(watches[index], pairs[index].ends[0], true, true).has_value());
        watches[index].then = [&] {
            for (tracked_watch& each : watches)
                loop->end_watch(each);
        };
    }
    REQUIRE(loop.run_until(
        [&] { return watches[0].reports + watches[1].reports + watches[2].reports > 0; }));
    loop.turns(5);
    CHECK(watches[0].reports + watches[1].reports + watches[2].reports == 1);
    loop->end_watch(watches[0]);
}

SLK_BACKEND_TEST("rule 16: a watch that waits for both directions reports them together")
{
    rig loop(backend);
    const foreign_pair pair;
    pair.write();
    tracked_watch watch;
    bool together = false;
    watch.then = [&] { together = together || (watch.readable && watch.writable); };
    REQUIRE(loop->begin_watch(watch, pair.ends[0], true, true).has_value());
    REQUIRE(loop.run_until([&] { return together; }));
    REQUIRE(loop->change_watch(watch, false, true).has_value());
    watch.then = [&] { CHECK_FALSE(watch.readable); };
    watch.reports = 0;
    REQUIRE(loop.run_until([&] { return watch.reports > 2; }));
    REQUIRE(loop->change_watch(watch, false, false).has_value());
    watch.reports = 0;
    loop.turns(5);
    CHECK(watch.reports == 0);
    // It ends with the poller.
}

SLK_BACKEND_TEST("rule 16: a watch and the poller's own sockets live side by side")
{
    rig loop(backend);
    const foreign_pair pair;
    tracked_watch watch;
    watch.then = [&] { pair.read(); };
    REQUIRE(loop->begin_watch(watch, pair.ends[0], true, false).has_value());
    auto sockets = loop.connect_pair();
    for (int round = 1; round <= 20; ++round) {
        std::array<std::byte, 1> into{};
        const std::array<std::byte, 1> bytes{};
        receive_op receiving;
        send_op sending;
        loop.receive(receiving, sockets.server, into);
        pair.write();
        loop.send(sending, sockets.client, bytes);
        REQUIRE(loop.finish(receiving));
        REQUIRE(loop.finish(sending));
        REQUIRE(loop.run_until([&] { return watch.reports == round; }));
    }
}

SLK_BACKEND_TEST("rule 16: after the shutdown a watch cannot begin")
{
    rig loop(backend);
    const foreign_pair pair;
    tracked_watch watch;
    tracked_watch late;
    REQUIRE(loop->begin_watch(watch, pair.ends[0], true, false).has_value());
    loop->shutdown();
    loop->end_watch(watch);
    const auto refused = loop->begin_watch(late, pair.ends[0], true, false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::loop_closed);
}
