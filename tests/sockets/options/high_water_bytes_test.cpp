// SPDX-License-Identifier: MPL-2.0

// The high-water marks that count bytes.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("the send mark in bytes admits a message while fewer bytes are queued, and always one")
{
    struct limits {
        std::uint64_t mark;
        std::size_t size; ///< of each message
        int fit;
    };
    // The frame of a message adds two bytes, that of a large one nine.
    for (const auto& [mark, size, fit] :
         {limits{1, 10, 1}, limits{1, 100'000, 1}, limits{12, 10, 1}, limits{13, 10, 2},
          limits{1200, 10, 100}, limits{1'000'000, 99'991, 10}, limits{100'001, 99'991, 2}}) {
        CAPTURE(mark);
        CAPTURE(size);
        auto in = new_context();
        push_options options = reconnect_at_once();
        options.send_high_water_bytes = mark;
        auto from = new_socket<push>(in, options);
        must(from.connect("tcp://127.0.0.1:1"));
        const std::string body(size, 'x');
        for (int count = 0; count < fit; ++count)
            must(from.send(std::string_view(body), no_wait));
        CHECK(code_of(from.send(std::string_view(body), no_wait)) == errc::would_block);
        CHECK_FALSE(from.events().writable);
        // It can be changed, and the mark in messages applies as well.
        must(from.set_send_high_water_bytes(0));
        must(from.set_send_high_water_mark(static_cast<std::uint32_t>(fit) + 1));
        must(from.send(std::string_view(body), no_wait));
        CHECK(code_of(from.send(std::string_view(body), no_wait)) == errc::would_block);
        // It applies to batches.
        must(from.set_send_high_water_mark(0));
        must(from.set_send_high_water_bytes(static_cast<std::uint64_t>(fit + 4) * (size + 2)));
        std::vector<message> batch(1000);
        for (message& each : batch)
            each = message_of(body);
        const std::size_t queued = must(from.send_batch(batch, no_wait));
        CHECK(queued >= 3);
        CHECK(queued <= 5);
        from.close(0ms);
    }
}

TEST_CASE(
    "over inproc the two marks in bytes add up, and there is no limit if one of them has none")
{
    const auto room = [](std::uint64_t send, std::uint64_t receive) {
        auto in = new_context();
        push_options of_push;
        of_push.send_high_water_mark = 0;
        of_push.send_high_water_bytes = send;
        pull_options of_pull;
        of_pull.receive_high_water_bytes = receive;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        must(to.bind("inproc://room"));
        must(from.connect("inproc://room"));
        int count = 0;
        while (count < 5000 && from.send("12345678", no_wait))
            ++count;
        // All queued messages can be received, and there is room again, in each round.
        for (int round = 0; round < 3; ++round) {
            for (int taken = 0; taken < count; ++taken)
                REQUIRE(receive_text(to, no_wait) == "12345678");
            for (int again = 0; again < count; ++again)
                REQUIRE(from.send("12345678", no_wait).has_value());
        }
        // Without the limit a sender does not wait.
        must(to.set_receive_high_water_bytes(0));
        for (int taken = 0; taken < count; ++taken)
            REQUIRE(receive_text(to, no_wait) == "12345678");
        must(from.send("x", no_wait));
        return count;
    };
    CHECK(room(100, 200) == 30);
    CHECK(room(1, 1) == 1);
    CHECK(room(0, 200) == 5000);
    CHECK(room(100, 0) == 5000);
}

TEST_CASE("a receive mark in bytes stops the sender, loses nothing, and can be changed")
{
    for (const int threads : {0, 1}) {
        for (const std::size_t size : {std::size_t{10'000}, std::size_t{100'000}}) {
            CAPTURE(threads);
            CAPTURE(size);
            auto in = new_context(threads);
            push_options of_push = reconnect_at_once();
            of_push.send_high_water_bytes = 1;
            of_push.tuning.send_buffer = 100'000;
            pull_options of_pull;
            of_pull.receive_high_water_mark = 0;
            of_pull.receive_high_water_bytes = 30'000;
            of_pull.tuning.receive_buffer = 100'000;
            auto to = new_socket<pull>(in, of_pull);
            auto from = new_socket<push>(in, of_push);
            bind_and_connect(to, from);
            must(from.wait_ready(test_timeout));
            const std::string body(size, 'x');
            const auto fill = [&](int max, const timeout& limit = short_timeout) {
                int count = 0;
                while (count < max && from.send(std::string_view(body), limit))
                    ++count;
                return count;
            };
            const int before = fill(5000);
            CHECK(before >= 1);
            CHECK(before < 1000);
            // A sender that waits gets room after a receive.
            int waiting = before;
            for (int round = 0; round < 3; ++round) {
                for (; waiting > 0; --waiting)
                    REQUIRE(receive_text(to).size() == size);
                must(from.send(std::string_view(body), test_timeout));
                waiting = 1 + fill(5000);
                CHECK(waiting < 1000);
            }
            must(to.set_receive_high_water_bytes(0));
            CHECK(fill(2 * before, test_timeout) == 2 * before);
            for (waiting += 2 * before; waiting > 0; --waiting)
                REQUIRE(receive_text(to).size() == size);
        }
    }
}

TEST_CASE("a message whose parts exceed the receive mark in bytes arrives whole")
{
    auto in = new_context();
    pull_options options;
    options.receive_high_water_bytes = 1000;
    auto to = new_socket<pull>(in, options);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    for (int number = 0; number < 5; ++number) {
        multipart whole;
        for (const std::size_t size : {3000U, 50'000U, 0U, 5000U})
            must(whole.add(std::string(size, 'x')));
        must(from.send(std::move(whole), test_timeout));
    }
    multipart got;
    for (int number = 0; number < 5; ++number) {
        must(to.receive(got, test_timeout));
        CHECK(got.size() == 4);
    }
}
