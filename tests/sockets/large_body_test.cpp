// SPDX-License-Identifier: MPL-2.0

// Messages of large bodies in a row: the sender's thread sends them from the caller's memory, as
// far as the system takes them.

#include <serverlink/serverlink.hpp>

#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/streams.hpp"
#include "support/wine.hpp"
#include "support/zmtp_handshake.hpp"

#include <iterator>
#include <optional>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// Of every size that the library handles differently, around the limits between them.
std::string large_body_of(std::size_t number)
{
    constexpr std::size_t sizes[] = {8191,   8192,   9000,    32'767,    32'768,    50'000, 65'536,
                                     65'537, 70'000, 300'000, 1'048'576, 1'500'000, 5,      40};
    std::string body = std::to_string(number) + ' ';
    body.resize(sizes[number % std::size(sizes)], static_cast<char>('a' + number % 26));
    for (std::size_t at = 10; at < body.size(); at += 1000)
        body[at] = static_cast<char>('A' + (at / 1000 + number) % 26);
    return body;
}

template <class Options>
Options with_small_buffers()
{
    Options options;
    options.tuning.send_buffer = 50'000;
    options.tuning.receive_buffer = 50'000;
    options.reconnect.floor = 0ms;
    return options;
}

/// Returns an empty text, or what is wrong.
std::string send_bodies(push& from, std::size_t count, bool own_memory, const timeout& limit)
{
    for (std::size_t number = 0; number < count; ++number) {
        const std::string body = large_body_of(number);
        auto whole = message::copy_of(body);
        if (!whole)
            return "no memory";
        const auto sent = own_memory ? from.send(std::move(*whole), limit)
                                     : from.send(std::string_view(body), limit);
        if (!sent)
            return to_string(sent.error());
        if (number % 50 == 0) // the lane runs empty
            std::this_thread::sleep_for(5ms);
    }
    return {};
}

} // namespace

TEST_CASE("large bodies arrive whole and in order, however much of them the system takes at a time")
{
    const auto count = static_cast<std::size_t>(repeats(400));
    for (const bool small_buffers : {false, true}) {
        for (const bool own_memory : {false, true}) {
            CAPTURE(small_buffers);
            CAPTURE(own_memory);
            auto sending = new_context();
            auto receiving = new_context();
            auto to = new_socket<pull>(receiving, small_buffers ? with_small_buffers<pull_options>()
                                                                : pull_options());
            auto from = new_socket<push>(sending, small_buffers ? with_small_buffers<push_options>()
                                                                : push_options());
            bind_and_connect(to, from);
            std::string failure;
            std::thread sender(
                [&] { failure = send_bodies(from, count, own_memory, test_timeout); });
            std::size_t right = 0;
            for (; right < count && receive_text(to) == large_body_of(right); ++right)
                if (right % 64 == 63) // the lane and the system's buffers fill
                    std::this_thread::sleep_for(20ms);
            CHECK(right == count);
            sender.join();
            CHECK(failure.empty());
            CHECK(from.close(test_timeout).unsent() == 0);
            CHECK(from.counters().queued_total == count);
        }
    }
}

TEST_CASE("a large body that was sent in part when its connection broke arrives whole on the next")
{
    const auto count = static_cast<std::size_t>(repeats(300));
    auto sending = new_context();
    auto receiving = new_context();
    auto of_pull = with_small_buffers<pull_options>();
    of_pull.receive_high_water_mark = 4;
    auto to = std::make_optional(new_socket<pull>(receiving, of_pull));
    auto from = new_socket<push>(sending, with_small_buffers<push_options>());
    const std::string where = bind_and_connect(*to, from);
    std::string failure;
    std::thread sender([&] { failure = send_bodies(from, count, false, test_timeout); });
    std::size_t last = 0;
    std::size_t torn = 0;
    std::size_t received = 0;
    for (message got; last + 1 < count && to->receive(got, test_timeout);) {
        const std::size_t number = std::stoul(std::string(got.text()));
        torn += got.text() != large_body_of(number) || (received > 0 && number <= last) ? 1 : 0;
        last = number;
        if (++received % 20 == 0 && number < count / 2) {
            to.reset(); // what it has received and not read is lost
            to.emplace(new_socket<pull>(receiving, of_pull));
            REQUIRE(until([&] { return to->bind(where).has_value(); }));
        }
    }
    CHECK(torn == 0);
    CHECK(last + 1 == count);
    sender.join();
    CHECK(failure.empty());
}

TEST_CASE("a sender of large bodies does not wait long for a peer that does not read")
{
    auto sending = new_context();
    auto receiving = new_context();
    auto of_pull = with_small_buffers<pull_options>();
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(receiving, of_pull);
    auto from = new_socket<push>(sending, with_small_buffers<push_options>());
    bind_and_connect(to, from);
    REQUIRE(until([&] { return from.events().writable; }));
    // Fewer than the mark. To wait 2 ms for each would take a second.
    const std::string body(100'000, 'b');
    const auto began = std::chrono::steady_clock::now();
    for (int number = 0; number < 500; ++number)
        must(from.send(std::string_view(body), test_timeout));
    CHECK(std::chrono::steady_clock::now() - began < 900ms * (slow_build ? 10 : 1));
    for (int number = 0; number < 500; ++number)
        REQUIRE(receive_text(to) == body);
}

TEST_CASE("a reset that follows a large body at once is reported as a reset")
{
    if (running_under_wine())
        SLK_SKIP("Wine's recv shows some resets as the end of the stream");
    auto in = new_context();
    auto on = must(loop::create());
    stream peer;
    listener_options wanted;
    wanted.at = must(endpoint::parse(any_tcp));
    listener_handlers handlers;
    handlers.accepted = [&](stream accepted) { peer = std::move(accepted); };
    const auto listening = must(listener::create(on, wanted, handlers));
    const std::string where = to_string(listening.local_endpoint());
    const std::string body = large_body_of(4);
    const std::string frame =
        std::string("\2", 1) + std::string(4, '\0') + '\0' + static_cast<char>(body.size() >> 16) +
        static_cast<char>(body.size() >> 8) + static_cast<char>(body.size()) + body;
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        auto to = new_socket<pull>(in);
        must(to.connect(where));
        REQUIRE(must(on.run_until([&] { return static_cast<bool>(peer); }, test_timeout)));
        const auto send = [&](const std::string& bytes) {
            bool sent = false;
            must(peer.send(bytes_of(bytes), [&](const result<std::size_t>&) { sent = true; }));
            REQUIRE(must(on.run_until([&] { return sent; }, test_timeout)));
        };
        send(zmtp_greeting() + zmtp_ready("PUSH"));
        REQUIRE(until([&] { return to.endpoints().at(0).ready; }));
        send(frame);
        peer.reset();
        REQUIRE(until([&] { return to.peers().at(0).last_reason != errc::ok; }));
        CHECK(to.peers().at(0).last_reason == errc::connection_reset);
    }
}
