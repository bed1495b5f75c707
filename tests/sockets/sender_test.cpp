// SPDX-License-Identifier: MPL-2.0

// slk::sender: one socket for many threads.

#include <serverlink/serverlink.hpp>

#include "support/sanitized.hpp"
#include "support/sockets.hpp"

#include <atomic>
#include <charconv>
#include <map>
#include <stop_token>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

sender new_sender(socket&& from)
{
    return must(sender::create(std::move(from)));
}

/// A PULL, and a sender through a PUSH with room for `mark` messages.
struct sending_rig {
    explicit sending_rig(std::uint32_t mark, bool connected = true)
    {
        pull_options receiving;
        receiving.receive_high_water_mark = 1;
        push_options options;
        options.send_high_water_mark = mark;
        to.emplace(new_socket<pull>(in, receiving));
        auto from = new_socket<push>(in, options);
        must(from.connect("inproc://results"));
        if (connected)
            must(to->bind("inproc://results"));
        out = new_sender(std::move(from));
    }
    /// Sends until there is no room.
    void fill()
    {
        while (out.send("filled", no_wait)) {
        }
    }

    context in = new_context();
    std::optional<pull> to;
    sender out;
};

} // namespace

TEST_CASE("the messages of each thread arrive in their order, and those of several parts whole")
{
    constexpr int threads = 4;
    constexpr int count = repeats(2000);
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from);
    const sender out = new_sender(std::move(from));
    std::atomic<int> failed{0};
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread)
        all.emplace_back([out, thread, &failed]() {
            for (int number = 0; number < count; ++number) {
                const std::string text = std::to_string(thread) + "/" + std::to_string(number);
                result<send_outcome> sent;
                if (number % 3 == 0) {
                    multipart whole;
                    if (!whole.add(text) || !whole.add("second") || !whole.add(text))
                        ++failed;
                    sent = out.send(std::move(whole), test_timeout);
                } else if (number % 3 == 1) {
                    sent = out.send(*message::copy_of(text), test_timeout);
                } else {
                    sent = out.send(text, test_timeout);
                }
                failed += sent ? 0 : 1;
            }
        });
    std::map<std::string, int> next;
    for (int received = 0; received < threads * count; ++received) {
        multipart whole;
        must(to.receive(whole, test_timeout));
        const auto texts = texts_of(whole);
        const std::size_t slash = texts[0].find('/');
        const int number = std::stoi(texts[0].substr(slash + 1));
        CHECK(number == next[texts[0].substr(0, slash)]++);
        REQUIRE(texts.size() == (number % 3 == 0 ? 3u : 1u));
        if (number % 3 == 0)
            CHECK(texts[2] == texts[0]);
    }
    for (std::thread& each : all)
        each.join();
    CHECK(failed == 0);
}

TEST_CASE("a sender that is full says so, and sends when there is room")
{
    sending_rig rig(2);
    rig.fill();
    CHECK(code_of(rig.out.send("late", no_wait)) == errc::would_block);
    CHECK(code_of(rig.out.send("late", 5ms)) == errc::timed_out);
    message kept = message_of("kept");
    CHECK(code_of(rig.out.send(std::move(kept), 1ms)) == errc::timed_out);
    CHECK(kept.text() == "kept");
    multipart parts;
    must(parts.add("1"));
    must(parts.add("2"));
    CHECK(code_of(rig.out.send(std::move(parts), 1ms)) == errc::timed_out);
    CHECK(parts.size() == 2);

    std::atomic<bool> sent{false};
    std::thread waiting(
        [out = rig.out, &sent] { sent = out.send("waited", test_timeout).has_value(); });
    std::string got;
    while (got != "waited") {
        got = receive_text(*rig.to);
        REQUIRE(got != "(timed_out)");
    }
    waiting.join();
    CHECK(sent);
}

TEST_CASE("while one thread waits for room, a call that does not wait returns at once")
{
    sending_rig rig(1);
    rig.fill();
    std::atomic<int> outcomes{0};
    std::stop_source stop;
    std::vector<std::thread> waiting;
    for (int number = 0; number < 3; ++number)
        waiting.emplace_back([&, out = rig.out]() {
            if (code_of(out.send("never", timeout(stop.get_token()))) == errc::cancelled)
                ++outcomes;
        });
    for (int tries = 0; tries < 20; ++tries)
        CHECK(code_of(rig.out.send("now", no_wait)) == errc::would_block);
    CHECK(code_of(rig.out.send("now", 2ms)) == errc::timed_out);
    stop.request_stop();
    for (std::thread& each : waiting)
        each.join();
    CHECK(outcomes == 3);
    CHECK(code_of(rig.out.send("now", timeout(stop.get_token()))) == errc::cancelled);
}

TEST_CASE("closing ends the calls that wait, and later calls are errors")
{
    sending_rig rig(1);
    rig.fill();
    std::atomic<int> ended{0};
    std::vector<std::thread> waiting;
    for (int number = 0; number < 3; ++number)
        waiting.emplace_back([&, out = rig.out]() {
            if (code_of(out.send("never")) == errc::invalid_state)
                ++ended;
        });
    sender copy = rig.out;
    (void)copy.close(0s);
    for (std::thread& each : waiting)
        each.join();
    CHECK(ended == 3);
    CHECK(code_of(rig.out.send("late", no_wait)) == errc::invalid_state);
    CHECK(code_of(rig.out.send("late")) == errc::invalid_state);
    CHECK(rig.out.close(1s).peers.empty());
    CHECK(rig.out.counters().queued_total > 0);
}

TEST_CASE("the end of the context ends the calls that wait")
{
    sending_rig rig(1);
    rig.fill();
    std::atomic<bool> cancelled{false};
    std::thread waiting(
        [&, out = rig.out]() { cancelled = code_of(out.send("never")) == errc::cancelled; });
    rig.in.shutdown();
    waiting.join();
    CHECK(cancelled);
    CHECK(code_of(rig.out.send("late", no_wait)) == errc::cancelled);
}

TEST_CASE("the last copy of a sender closes the socket, and what is queued still arrives")
{
    sending_rig rig(100);
    sender second = rig.out;
    sender third = std::move(rig.out);
    CHECK(code_of(rig.out.send("empty")) == errc::invalid_state);
    CHECK(rig.out.number() == 0);
    must(second.send("1", no_wait));
    second = third;
    must(third.send("2", no_wait));
    third = sender();
    must(second.send("3", no_wait));
    second = sender();
    CHECK(receive_text(*rig.to) == "1");
    CHECK(receive_text(*rig.to) == "2");
    CHECK(receive_text(*rig.to) == "3");
}

TEST_CASE("a PUB behind a sender publishes to its subscribers")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    must(to.subscribe(""));
    auto from = new_socket<pub>(in);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    must(from.wait_subscribers("", 1, test_timeout));
    sender out = new_sender(std::move(from));
    std::thread other([out]() { (void)out.send("news", no_wait); });
    CHECK(receive_text(to) == "news");
    other.join();
}

TEST_CASE("sockets that are not for sending from all threads are errors, and stay the caller's")
{
    auto in = new_context();
    auto receiver = new_socket<pull>(in);
    CHECK(code_of(sender::create(std::move(receiver))) == errc::not_supported);
    must(receiver.bind(any_tcp));
    auto routing = new_socket<router>(in);
    CHECK(code_of(sender::create(std::move(routing))) == errc::not_supported);
    auto without = new_context(0);
    auto lonely = new_socket<push>(without);
    CHECK(code_of(sender::create(std::move(lonely))) == errc::not_supported);
    auto closed = new_socket<push>(in);
    closed.close(0s);
    CHECK(code_of(sender::create(std::move(closed))) == errc::invalid_state);
    auto moved = new_socket<push>(in);
    const auto there = std::move(moved);
    CHECK(code_of(sender::create(std::move(moved))) == errc::invalid_state);
    sender empty;
    CHECK(code_of(empty.send("x")) == errc::invalid_state);
}
