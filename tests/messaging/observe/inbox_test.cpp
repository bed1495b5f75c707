// SPDX-License-Identifier: MPL-2.0

// How pipes signal to their socket, and how events reach it.

#include "lane/lane_rig.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/pipe/pipe.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::messaging;
using namespace slk::testing;

namespace {

/// A sleep that takes this long has lost its wake.
constexpr duration wake_timeout = std::chrono::seconds(60);

reference<inbox> make_inbox()
{
    return reference<inbox>::adopt(new inbox);
}

reference<messaging::pipe> make_pipe(const reference<inbox>& owner,
                                     pipe_origin origin = pipe_origin::accept)
{
    static lane::chunk_pools pools;
    const auto lanes = pipe_lanes::create(pools, false);
    REQUIRE(lanes);
    auto made = reference<messaging::pipe>::adopt(new messaging::pipe(lanes, 0, origin, false));
    if (owner)
        made->report_to(owner);
    return made;
}

/// Sends a body that is released with the lanes of the pipe.
void send(messaging::pipe& from, lent_memory& body)
{
    lane::lane& into = from.lanes()->toward[0];
    put(into, "", body.lend());
    (void)into.publish(1);
}

/// The next sleep ends long before its timeout.
bool is_woken(inbox& box)
{
    const auto began = std::chrono::steady_clock::now();
    box.sleep(wake_timeout);
    return std::chrono::steady_clock::now() - began < wake_timeout;
}

struct reports {
    std::vector<messaging::pipe*> pipes; ///< that have signalled, the latest first
    std::uint32_t signals = 0; ///< of all of them
    std::vector<peer_report> events;
};

std::unique_ptr<peer_connected> came(const reference<messaging::pipe>& peer,
                                     const char* routing_id = "")
{
    auto met = std::make_unique<peer_connected>();
    met->peer = peer;
    met->info.routing_id = routing_id;
    return met;
}

void leave(inbox& box, const reference<messaging::pipe>& peer, bool for_good, errc why = errc::ok)
{
    box.post(peer_disconnected{peer, for_good}, {why});
}

/// The pipe of a connect().
reference<messaging::pipe> make_connecting_pipe(const reference<inbox>& owner)
{
    static lane::chunk_pools pools;
    const auto lanes = pipe_lanes::create(pools, false);
    REQUIRE(lanes);
    auto made = reference<messaging::pipe>::adopt(
        new messaging::pipe(lanes, 0, pipe_origin::connect, false));
    made->report_to(owner);
    return made;
}

/// Takes all reports, as a socket does.
reports take(inbox& box)
{
    reports all;
    bool has_events = false;
    for (inbox_entry* each = box.take_signalled(); each != nullptr;) {
        inbox_entry* const next = each->next;
        if (box.is_events(*each)) {
            has_events = true;
        } else {
            const auto peer =
                reference<messaging::pipe>::adopt(static_cast<messaging::pipe*>(each));
            all.pipes.push_back(peer.get());
            all.signals |= peer->take_signals();
        }
        each = next;
    }
    if (has_events)
        box.take_events([&](peer_report& each) { all.events.push_back(std::move(each)); });
    return all;
}

} // namespace

TEST_CASE("a pipe that signals several times is in the list once, and the latest pipe comes first")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box), b = make_pipe(box);
    CHECK_FALSE(box->has_reports());
    a->on_readable();
    b->on_writable();
    a->on_writable();
    a->on_readable();
    CHECK(box->has_reports());
    const reports first = take(*box);
    CHECK(first.pipes == std::vector{b.get(), a.get()});
    CHECK(first.signals == (messaging::pipe::readable_signal | messaging::pipe::writable_signal));
    CHECK(first.events.empty());
    CHECK_FALSE(box->has_reports());
    a->on_writable();
    const reports second = take(*box);
    CHECK(second.pipes == std::vector{a.get()});
    CHECK(second.signals == messaging::pipe::writable_signal);
}

TEST_CASE("the signals of a pipe that has no socket yet are lost")
{
    const auto box = make_inbox();
    const auto early = make_pipe({});
    early->on_readable();
    early->pipe_closed({});
    early->report_to(box);
    CHECK_FALSE(box->has_reports());
    early->on_writable();
    CHECK(take(*box).signals == messaging::pipe::writable_signal);
}

TEST_CASE("events keep their order, and one entry of the list stands for all of them")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box);
    box->post(came(a));
    a->on_readable();
    leave(*box, a, false);
    const reports all = take(*box);
    CHECK(all.pipes == std::vector{a.get()});
    REQUIRE(all.events.size() == 2);
    CHECK(std::holds_alternative<peer_connected>(all.events[0].what));
    CHECK(std::holds_alternative<peer_disconnected>(all.events[1].what));
    CHECK_FALSE(box->has_reports());
    box->notify();
    box->notify();
    CHECK(box->has_reports());
    CHECK(take(*box).events.empty());
    CHECK_FALSE(box->has_reports());
    leave(*box, a, false);
    CHECK(take(*box).events.size() == 1);
}

TEST_CASE("the events of several peers are read in the order of their first unread ones")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box), b = make_pipe(box);
    leave(*box, b, true);
    box->post(came(a));
    box->post(came(b));
    const reports all = take(*box);
    REQUIRE(all.events.size() == 3);
    CHECK(std::get<peer_disconnected>(all.events[0].what).peer.get() == b.get());
    CHECK(std::get<peer_connected>(all.events[1].what).peer.get() == b.get());
    CHECK(std::get<peer_connected>(all.events[2].what).peer.get() == a.get());
}

TEST_CASE("a peer that came and went before anybody looked leaves two counters, and no event")
{
    const auto box = make_inbox();
    const auto stays = make_pipe(box);
    box->post(came(stays));
    lent_memory held("held by its lanes");
    for (int number = 0; number < 1000; ++number) {
        auto gone = make_pipe(box);
        if (number == 500)
            send(*gone, held);
        box->post(came(gone));
        leave(*box, gone, true);
    }
    CHECK(held.is_back());
    CHECK(box->counters().connected.value() == 1001);
    CHECK(box->counters().disconnected.value() == 1000);
    const reports all = take(*box);
    REQUIRE(all.events.size() == 1);
    CHECK(std::get<peer_connected>(all.events[0].what).peer.get() == stays.get());
}

TEST_CASE("a connection of a link that came and went before anybody looked leaves no event")
{
    const auto box = make_inbox();
    auto one = make_pipe(box, pipe_origin::link);
    SUBCASE("it has brought nothing, and nobody has seen it")
    {
        box->post(came(one));
        leave(*box, one, true);
        CHECK(take(*box).events.empty());
    }
    SUBCASE("it was seen")
    {
        box->post(came(one));
        CHECK(take(*box).events.size() == 1);
        leave(*box, one, true);
        CHECK(take(*box).events.size() == 1);
    }
}

TEST_CASE("how a peer has refused a message is reported, although its next connections are lost")
{
    const auto box = make_inbox();
    const auto peer = make_connecting_pipe(box);
    box->post(came(peer));
    CHECK(take(*box).events.size() == 1);
    leave(*box, peer, false, errc::connection_reset);
    box->post(message_refused{peer}, {errc::connection_reset});
    box->post(came(peer));
    leave(*box, peer, false, errc::timed_out);
    const reports all = take(*box);
    const auto refused = std::ranges::find_if(all.events, [](const peer_report& each) {
        return std::holds_alternative<message_refused>(each.what);
    });
    REQUIRE(refused != all.events.end());
    CHECK(refused->why == errc::connection_reset);
    // The next loss has its own reason.
    leave(*box, peer, false, errc::timed_out);
    CHECK(take(*box).events.at(0).why == errc::timed_out);
}

TEST_CASE("a peer that has left something to be received is reported, although it is gone")
{
    const auto box = make_inbox();
    auto gone = make_pipe(box);
    lane::lane& from_peer = gone->lanes()->toward[1];
    lent_memory body("to be received");
    put(from_peer, "", body.lend());
    box->post(came(gone));
    SUBCASE("it has sent a whole message")
    {
        (void)from_peer.publish(1);
        gone->on_readable();
        leave(*box, gone, true);
        const messaging::pipe* const peer = gone.get();
        gone.reset();
        const reports all = take(*box);
        CHECK(all.pipes == std::vector{const_cast<messaging::pipe*>(peer)});
        REQUIRE(all.events.size() == 2);
        CHECK(std::get<peer_connected>(all.events[0].what).peer.get() == peer);
        CHECK(std::get<peer_disconnected>(all.events[1].what).for_good);
    }
    SUBCASE("it has sent a part of a message")
    {
        from_peer.discard_unpublished();
        leave(*box, gone, true);
        CHECK(take(*box).events.empty());
    }
}

TEST_CASE("a peer that was seen, and went and came again since, has two events")
{
    const auto box = make_inbox();
    const auto peer = make_connecting_pipe(box);
    box->post(came(peer, "first"));
    CHECK(take(*box).events.size() == 1);
    for (int round = 0; round < 100; ++round) {
        leave(*box, peer, false, errc::connection_reset);
        box->post(came(peer, round == 99 ? "last" : "one between"));
    }
    SUBCASE("it is there")
    {
        const reports all = take(*box);
        REQUIRE(all.events.size() == 2);
        CHECK(std::holds_alternative<peer_disconnected>(all.events[0].what));
        CHECK(all.events[0].why == errc::connection_reset);
        const auto& met = std::get<peer_connected>(all.events[1].what);
        CHECK(met.info.routing_id == "last");
        CHECK(met.times == 100);
    }
    SUBCASE("it is gone again")
    {
        leave(*box, peer, false, errc::timed_out);
        const reports all = take(*box);
        REQUIRE(all.events.size() == 3);
        CHECK(std::get<peer_connected>(all.events[1].what).times == 100);
        CHECK(all.events[2].why == errc::timed_out);
        CHECK_FALSE(std::get<peer_disconnected>(all.events[2].what).for_good);
    }
    CHECK(box->counters().connected.value() == 101);
}

TEST_CASE("what is posted while the events are read is read then, or the next time")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box), b = make_pipe(box);
    box->post(came(a));
    box->post(came(b));
    int seen = 0;
    CHECK(box->is_events(*box->take_signalled()));
    box->take_events([&](peer_report&) {
        if (++seen > 1)
            return;
        leave(*box, a, false); // it has had its turn
        leave(*box, b, false);
    });
    CHECK(seen == 3);
    CHECK(box->has_reports());
    CHECK(take(*box).events.size() == 1);
}

TEST_CASE("a pipe whose other end is closed reports that by an event")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box);
    a->pipe_closed({errc::cancelled, phase::close, 0, "gone"});
    const reports all = take(*box);
    REQUIRE(all.events.size() == 1);
    const auto* const gone = std::get_if<peer_disconnected>(&all.events[0].what);
    REQUIRE(gone != nullptr);
    CHECK(gone->peer.get() == a.get());
    CHECK(gone->for_good);
    CHECK(all.events[0].why.code == errc::cancelled);
}

TEST_CASE("a pipe in the list lives until it was taken")
{
    const auto box = make_inbox();
    auto a = make_pipe(box);
    a->on_readable();
    messaging::pipe* const peer = a.get();
    a.reset();
    CHECK(take(*box).pipes == std::vector{peer});
}

TEST_CASE("a wake, a signal or an event before the sleep ends it")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box);
    box->wake();
    CHECK(is_woken(*box));
    a->on_readable();
    CHECK(is_woken(*box));
    (void)take(*box);
    box->notify();
    CHECK(is_woken(*box));
    (void)take(*box);
    box->sleep(std::chrono::milliseconds(1));
    CHECK_FALSE(box->has_reports());
}

TEST_CASE("an inbox wakes another parker while a thread waits for several sockets")
{
    const auto box = make_inbox();
    const auto a = make_pipe(box);
    thread_parker other;
    box->redirect_wakes(&other);
    a->on_readable();
    CHECK(other.park(wake_timeout));
    (void)take(*box);
    box->wake();
    CHECK(other.park(wake_timeout));
    box->redirect_wakes(nullptr);
    box->wake();
    CHECK_FALSE(other.park(duration::zero()));
    CHECK(is_woken(*box));
}

TEST_CASE("a parker counts several wakes as one, and the woken thread sees what was done before")
{
    thread_parker one;
    CHECK_FALSE(one.park(duration::zero()));
    one.wake();
    one.wake();
    CHECK(one.park(duration::max()));
    CHECK_FALSE(one.park(std::chrono::milliseconds(1)));
    bool done = false;
    std::jthread waker([&] { one.wake_after([&] { done = true; }); });
    CHECK(one.park(wake_timeout));
    CHECK(done);
}

TEST_CASE("a closed inbox keeps nothing: neither earlier reports nor later ones")
{
    const auto box = make_inbox();
    auto before = make_pipe(box), after = make_pipe(box);
    lent_memory first("first"), second("second");
    send(*before, first);
    send(*after, second);
    before->on_readable();
    leave(*box, before, false);
    before.reset();
    CHECK(first.released() == 0);
    box->close();
    CHECK(first.is_back());
    CHECK_FALSE(box->has_reports());

    after->on_readable();
    after->on_writable();
    after->pipe_closed({});
    box->notify();
    CHECK_FALSE(box->has_reports());
    after.reset();
    CHECK(second.is_back());
    // The same after a thread has waited for several sockets.
    const auto late = make_pipe(box);
    thread_parker other;
    box->redirect_wakes(&other);
    box->redirect_wakes(nullptr);
    late->on_readable();
    CHECK_FALSE(box->has_reports());
}

TEST_CASE("a pipe that signals while its inbox is closed ends with its last user")
{
    for (int round = 0; round < 1000; ++round) {
        const auto box = make_inbox();
        lent_memory inside("inside");
        {
            auto one = make_pipe(box);
            send(*one, inside);
            std::jthread signalling([peer = one] {
                peer->on_readable();
                peer->pipe_closed({});
                peer->on_writable();
            });
            one.reset();
            box->close();
        }
        REQUIRE(inside.is_back());
    }
}

TEST_CASE("threads signal and post while the socket sleeps and wakes: nothing is lost")
{
    constexpr int rounds = 20'000;
    const auto box = make_inbox();
    struct source {
        reference<messaging::pipe> peer;
        std::atomic<int> signalled{0}; ///< the present round
        int seen = 0;
        int posted = 0;
    };
    std::vector<source> sources(2);
    for (source& each : sources)
        each.peer = make_pipe(box);
    bool lost = false;
    {
        std::vector<std::jthread> threads;
        for (source& each : sources)
            threads.emplace_back([&each, &box] {
                for (int round = 1; round <= rounds; ++round) {
                    each.signalled.store(round, std::memory_order_release);
                    each.peer->on_readable();
                    if (round % 16 == 0)
                        box->post(came(each.peer));
                }
            });
        const auto all_seen = [&] {
            for (const source& each : sources)
                if (each.seen < rounds || each.posted < rounds / 16)
                    return false;
            return true;
        };
        const auto deadline = std::chrono::steady_clock::now() + wake_timeout;
        while (!all_seen() && !lost) {
            if (!box->has_reports())
                box->sleep(std::chrono::seconds(10));
            lost = std::chrono::steady_clock::now() > deadline;
            const reports all = take(*box);
            for (source& each : sources) {
                for (const peer_report& report : all.events)
                    if (const auto& met = std::get<peer_connected>(report.what);
                        met.peer.get() == each.peer.get())
                        each.posted += static_cast<int>(met.times);
                for (const messaging::pipe* const peer : all.pipes)
                    if (peer == each.peer.get())
                        each.seen = each.signalled.load(std::memory_order_acquire);
            }
        }
    }
    CHECK_FALSE(lost);
    for (const source& each : sources) {
        CHECK(each.seen == rounds);
        CHECK(each.posted == rounds / 16);
    }
    (void)take(*box);
}
