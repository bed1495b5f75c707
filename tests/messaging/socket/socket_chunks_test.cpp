// SPDX-License-Identifier: MPL-2.0

// Whole sockets: which thread's chunks they use, and what they leave behind.

#include "lane/allocations.hpp"
#include "messaging/context/context_core.hpp"
#include "messaging/lane_messages.hpp"
#include "support/until.hpp"

#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

template <class Socket>
Socket make(context& in)
{
    auto made = Socket::create(in);
    REQUIRE(made);
    return std::move(*made);
}

context make_context()
{
    auto made = context::create();
    REQUIRE(made);
    return std::move(*made);
}

/// A stream of messages from one thread to another, with the loop of one context.
void check_stream(push& from, pull& to)
{
    constexpr unsigned count = 5000;
    std::jthread sender([&] {
        for (unsigned index = 0; index < count; ++index)
            if (!from.send(text_of_size(index * 7 % 5000, index), test_timeout))
                return;
    });
    unsigned wrong = 0;
    message next;
    for (unsigned index = 0; index < count; ++index) {
        REQUIRE(to.receive(next, test_timeout));
        wrong += next.text() == text_of_size(index * 7 % 5000, index) ? 0 : 1;
    }
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("a thread that sends takes chunks of its socket, and not of the loop's thread")
{
    std::shared_ptr<messaging::io_loop> on;
    {
        context in = make_context(), of_peer = make_context();
        on = in.core()->next_loop(0);
        auto from = make<push>(in);
        auto to = make<pull>(of_peer);
        SUBCASE("to a peer that it has connected to")
        {
            const auto at = to.bind("tcp://127.0.0.1:*");
            REQUIRE(at);
            REQUIRE(from.connect(*at));
        }
        SUBCASE("to a peer that has connected to it")
        {
            const auto at = from.bind("tcp://127.0.0.1:*");
            REQUIRE(at);
            REQUIRE(to.connect(*at));
        }
        message next;
        for (int index = 0; index < 50; ++index)
            REQUIRE(from.send(std::string(5000, 'x'), test_timeout));
        for (int index = 0; index < 50; ++index)
            REQUIRE(to.receive(next, test_timeout));
    }
    // The loop has needed no large chunk, so none was given back to its pool.
    const std::uint64_t before = allocations();
    on->pools.large->give_back(on->pools.large->take());
    CHECK(allocations() == before + 1);
}

TEST_CASE("a thread that connects takes no chunks of the loop's thread")
{
    std::shared_ptr<messaging::io_loop> on;
    {
        context in = make_context();
        on = in.core()->next_loop(0);
        auto socket = make<push>(in);
        REQUIRE(socket.connect("tcp://127.0.0.1:1"));
    }
    const std::uint64_t before = allocations();
    on->pools.small->give_back(on->pools.small->take());
    CHECK(allocations() == before + 1);
}

TEST_CASE("threads send while their loop receives, and while other sockets come and go")
{
    context in = make_context();
    auto from = make<push>(in);
    auto to = make<pull>(in);
    SUBCASE("when the sender has connected")
    {
        const auto at = to.bind("tcp://127.0.0.1:*");
        REQUIRE(at);
        REQUIRE(from.connect(*at));
        check_stream(from, to);
    }
    SUBCASE("when the sender has test_timeout")
    {
        const auto at = from.bind("tcp://127.0.0.1:*");
        REQUIRE(at);
        REQUIRE(to.connect(*at));
        check_stream(from, to);
    }
    SUBCASE("when other sockets connect meanwhile")
    {
        const auto at = to.bind("tcp://127.0.0.1:*");
        REQUIRE(at);
        REQUIRE(from.connect(*at));
        std::jthread others([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                auto other = push::create(in);
                if (!other || !other->connect(*at))
                    return;
            }
        });
        check_stream(from, to);
    }
}

TEST_CASE("the two sockets of an inproc pair may be closed one after the other")
{
    context in = make_context();
    for (const bool met : {false, true})
        for (const bool binder_first : {false, true}) {
            auto binder = make<pair>(in);
            auto connecter = make<pair>(in);
            if (met)
                REQUIRE(binder.bind("inproc://pair"));
            REQUIRE(connecter.connect("inproc://pair"));
            REQUIRE(connecter.send("on its way"));
            (binder_first ? binder : connecter).close(no_wait);
            (binder_first ? connecter : binder).close(no_wait);
        }
}
