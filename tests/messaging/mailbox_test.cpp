// SPDX-License-Identifier: MPL-2.0

// How pipes ring at their socket, and how letters reach it.

#include "../lane/lane_rig.hpp"
#include "messaging/pipe.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::messaging;
using namespace slk::testing;

namespace {

constexpr duration long_enough = std::chrono::seconds(60);

reference<mailbox> make_box()
{
    return reference<mailbox>::adopt(new mailbox);
}

reference<messaging::pipe> make_pipe(const reference<mailbox>& owner)
{
    static lane::chunk_pools pools;
    const auto lanes = reference<lane_pair>::adopt(new lane_pair);
    REQUIRE(lanes->toward[0].open(pools));
    auto made = reference<messaging::pipe>::adopt(new messaging::pipe(lanes, 0));
    if (owner)
        made->belong_to(owner);
    return made;
}

/// Something that ends with the pipe's lanes.
void send(lane::lane& into, lent_memory& what)
{
    put(into, "", what.lend());
    (void)into.publish(1);
}

/// The sleep is over long before its time.
bool is_woken(mailbox& box)
{
    const auto began = std::chrono::steady_clock::now();
    box.sleep(long_enough);
    return std::chrono::steady_clock::now() - began < long_enough;
}

struct heard {
    std::vector<messaging::pipe*> rung; ///< the latest first
    std::uint32_t signals = 0;
    std::vector<mail> letters;
};

/// What a socket does.
heard listen(mailbox& box)
{
    heard all;
    bool letters = false;
    for (ringer* each = box.take_rung(); each != nullptr;) {
        ringer* const next = each->next;
        if (box.is_letters(*each)) {
            letters = true;
        } else {
            const auto who = reference<messaging::pipe>::adopt(static_cast<messaging::pipe*>(each));
            all.rung.push_back(who.get());
            all.signals |= who->take_signals();
        }
        each = next;
    }
    if (letters)
        all.letters = box.take_letters();
    return all;
}

} // namespace

TEST_CASE("pipes that ring are heard once, the latest first, however often they ring")
{
    const auto box = make_box();
    const auto a = make_pipe(box), b = make_pipe(box);
    CHECK_FALSE(box->has_news());
    a->on_readable();
    b->on_writable();
    a->on_writable();
    a->on_readable();
    CHECK(box->has_news());
    const heard first = listen(*box);
    CHECK(first.rung == std::vector{b.get(), a.get()});
    CHECK(first.signals == (messaging::pipe::bit_readable | messaging::pipe::bit_writable));
    CHECK(first.letters.empty());
    CHECK_FALSE(box->has_news());
    a->on_writable();
    const heard second = listen(*box);
    CHECK(second.rung == std::vector{a.get()});
    CHECK(second.signals == messaging::pipe::bit_writable);
}

TEST_CASE("a pipe that nobody owns yet rings nowhere, and says nothing of it later")
{
    const auto box = make_box();
    const auto early = make_pipe({});
    early->on_readable();
    early->far_end_left({});
    early->belong_to(box);
    CHECK_FALSE(box->has_news());
    early->on_writable();
    CHECK(listen(*box).signals == messaging::pipe::bit_writable);
}

TEST_CASE("letters keep their order, and are announced once")
{
    const auto box = make_box();
    const auto a = make_pipe(box);
    box->post({.kind = mail_kind::arrived, .which = a});
    a->on_readable();
    box->post({.kind = mail_kind::left, .which = a});
    const heard all = listen(*box);
    CHECK(all.rung == std::vector{a.get()});
    REQUIRE(all.letters.size() == 2);
    CHECK(all.letters[0].kind == mail_kind::arrived);
    CHECK(all.letters[1].kind == mail_kind::left);
    CHECK_FALSE(box->has_news());
    box->notify();
    box->notify();
    CHECK(box->has_news());
    CHECK(listen(*box).letters.empty());
    CHECK_FALSE(box->has_news());
    box->post({.kind = mail_kind::refused});
    CHECK(listen(*box).letters.size() == 1);
}

TEST_CASE("refusals of one endpoint, one behind the other, are one letter that counts them")
{
    const auto box = make_box();
    const auto a = make_pipe(box);
    for (const std::uint64_t endpoint : {1u, 1u, 1u, 2u, 1u})
        box->post({.kind = mail_kind::refused, .endpoint = endpoint});
    box->post({.kind = mail_kind::left, .which = a});
    box->post({.kind = mail_kind::left, .which = a});
    const heard all = listen(*box);
    REQUIRE(all.letters.size() == 5);
    CHECK(all.letters[0].endpoint == 1);
    CHECK(all.letters[0].count == 3);
    CHECK(all.letters[1].endpoint == 2);
    CHECK(all.letters[1].count == 1);
    CHECK(all.letters[2].count == 1);
}

TEST_CASE("a pipe whose other end has left tells so by a letter")
{
    const auto box = make_box();
    const auto a = make_pipe(box);
    a->far_end_left({errc::cancelled, phase::close, 0, "gone"});
    const heard all = listen(*box);
    REQUIRE(all.letters.size() == 1);
    CHECK(all.letters[0].kind == mail_kind::left);
    CHECK(all.letters[0].which.get() == a.get());
    CHECK(all.letters[0].for_good);
    CHECK(all.letters[0].reason.code == errc::cancelled);
}

TEST_CASE("a pipe in the list lives until it was heard")
{
    const auto box = make_box();
    auto a = make_pipe(box);
    a->on_readable();
    messaging::pipe* const who = a.get();
    a.reset();
    CHECK(listen(*box).rung == std::vector{who});
}

TEST_CASE("a wake, a ring or a letter before the sleep is not missed")
{
    const auto box = make_box();
    const auto a = make_pipe(box);
    box->wake();
    CHECK(is_woken(*box));
    a->on_readable();
    CHECK(is_woken(*box));
    (void)listen(*box);
    box->notify();
    CHECK(is_woken(*box));
    (void)listen(*box);
    box->sleep(std::chrono::milliseconds(1));
    CHECK_FALSE(box->has_news());
}

TEST_CASE("while it is used by somebody else, his sleeper is woken")
{
    const auto box = make_box();
    const auto a = make_pipe(box);
    thread_parker other;
    box->use(&other);
    a->on_readable();
    CHECK(other.park(long_enough));
    (void)listen(*box);
    box->wake();
    CHECK(other.park(long_enough));
    box->use(nullptr);
    box->wake();
    CHECK_FALSE(other.park(duration::zero()));
    CHECK(is_woken(*box));
}

TEST_CASE("a thread_parker is woken once for several wakes, and sees what was done before")
{
    thread_parker one;
    CHECK_FALSE(one.park(duration::zero()));
    one.wake();
    one.wake();
    CHECK(one.park(duration::max()));
    CHECK_FALSE(one.park(std::chrono::milliseconds(1)));
    bool done = false;
    std::jthread waker([&] { one.wake_after([&] { done = true; }); });
    CHECK(one.park(long_enough));
    CHECK(done);
}

TEST_CASE("a closed mailbox holds nothing: neither what was in it, nor what comes later")
{
    const auto box = make_box();
    auto before = make_pipe(box), after = make_pipe(box);
    lent_memory first("first"), second("second");
    send(before->out(), first);
    send(after->out(), second);
    before->on_readable();
    box->post({.kind = mail_kind::left, .which = before});
    before.reset();
    CHECK(first.released() == 0);
    box->close();
    CHECK(first.is_back());
    CHECK_FALSE(box->has_news());

    after->on_readable();
    after->on_writable();
    after->far_end_left({});
    box->notify();
    CHECK_FALSE(box->has_news());
    after.reset();
    CHECK(second.is_back());
    // Also after somebody has waited for several sockets.
    const auto late = make_pipe(box);
    thread_parker other;
    box->use(&other);
    box->use(nullptr);
    late->on_readable();
    CHECK_FALSE(box->has_news());
}

TEST_CASE("pipes that ring while their mailbox is closed end with their last user")
{
    for (int round = 0; round < 1000; ++round) {
        const auto box = make_box();
        lent_memory inside("inside");
        {
            auto one = make_pipe(box);
            send(one->out(), inside);
            std::jthread ringing([who = one] {
                who->on_readable();
                who->far_end_left({});
                who->on_writable();
            });
            one.reset();
            box->close();
        }
        REQUIRE(inside.is_back());
    }
}

TEST_CASE("threads ring and post while the socket sleeps and wakes: nothing is lost")
{
    constexpr int rounds = 20'000;
    const auto box = make_box();
    struct bell {
        reference<messaging::pipe> which;
        std::atomic<int> rung{0}; ///< times that something was there
        int seen = 0;
        int posted = 0;
    };
    std::vector<bell> bells(2);
    for (bell& each : bells)
        each.which = make_pipe(box);
    bool lost = false;
    {
        std::vector<std::jthread> threads;
        for (bell& each : bells)
            threads.emplace_back([&each, &box] {
                for (int round = 1; round <= rounds; ++round) {
                    each.rung.store(round, std::memory_order_release);
                    each.which->on_readable();
                    if (round % 16 == 0)
                        box->post({.kind = mail_kind::left,
                                   .which = each.which,
                                   .endpoint = static_cast<std::uint64_t>(round)});
                }
            });
        const auto all_seen = [&] {
            for (const bell& each : bells)
                if (each.seen < rounds || each.posted < rounds / 16)
                    return false;
            return true;
        };
        const auto deadline = std::chrono::steady_clock::now() + long_enough;
        while (!all_seen() && !lost) {
            if (!box->has_news())
                box->sleep(std::chrono::seconds(10));
            lost = std::chrono::steady_clock::now() > deadline;
            const heard all = listen(*box);
            for (bell& each : bells) {
                for (const mail& letter : all.letters)
                    if (letter.which.get() == each.which.get())
                        lost = lost ||
                               letter.endpoint != static_cast<std::uint64_t>(++each.posted) * 16;
                for (const messaging::pipe* const who : all.rung)
                    if (who == each.which.get())
                        each.seen = each.rung.load(std::memory_order_acquire);
            }
        }
    }
    CHECK_FALSE(lost);
    for (const bell& each : bells) {
        CHECK(each.seen == rounds);
        CHECK(each.posted == rounds / 16);
    }
    (void)listen(*box);
}
