// SPDX-License-Identifier: MPL-2.0
#include <serverlink/pub.hpp>
#include <serverlink/pubsub_broker.hpp>
#include <serverlink/sub.hpp>

#include "support/sanitized.hpp"
#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("publishers and subscribers that do not know each other meet at a broker")
{
    auto in = new_context();
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    CHECK(broker.frontend().starts_with("tcp://127.0.0.1:"));
    CHECK(broker.backend() != broker.frontend());
    CHECK(broker.messages() == 0);
    result<void> ended = fail(errc::timed_out, phase::none);
    std::thread runs([&] { ended = broker.run(test_timeout); });
    auto first = new_socket<pub>(in);
    auto second = new_socket<pub>(in);
    auto reader = new_socket<sub>(in);
    must(reader.connect(broker.backend()));
    must(reader.subscribe("news"));
    for (pub* const each : {&first, &second}) {
        must(each->connect(broker.frontend()));
        // The subscription has come through.
        must(each->wait_subscribers("news", 1, test_timeout));
        must(each->send("news of the day"));
        must(each->send("other"));
        CHECK(receive_text(reader) == "news of the day");
    }
    // A message may arrive before it is counted.
    CHECK(until([&] { return broker.messages() == 2; }));
    broker.stop();
    runs.join();
    CHECK(ended);
    // It goes on where it was.
    must(first.send("news again"));
    std::thread goes_on([&] { ended = broker.run(test_timeout); });
    CHECK(receive_text(reader) == "news again");
    broker.stop();
    broker.stop();
    goes_on.join();
}

TEST_CASE("a broker whose endpoint is taken is an error, and one that was moved from is empty")
{
    auto in = new_context();
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    CHECK(pubsub_broker::create(in, "inproc://front", broker.backend()).error() ==
          errc::address_in_use);
    CHECK(pubsub_broker::create(in, "nonsense", any_tcp).error() == errc::invalid_argument);
    CHECK(broker.run(no_wait).error() == errc::would_block);
    const auto moved = std::move(broker);
    CHECK(broker.run().error() == errc::invalid_state);
    CHECK(broker.messages() == 0);
    CHECK(broker.frontend().empty());
    CHECK(broker.backend().empty());
    broker.stop();
}

TEST_CASE("a broker that is started runs on a thread of its own, until it is stopped")
{
    auto in = new_context();
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    // A stop before the start does not count.
    broker.stop();
    broker.stop();
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    must(from.connect(broker.frontend()));
    must(to.connect(broker.backend()));
    must(to.subscribe("news"));
    std::uint64_t count = 0;
    for (int round = 0; round < 3; ++round) {
        must(broker.start());
        CHECK(broker.start().error() == errc::in_progress);
        CHECK(broker.run(no_wait).error() == errc::in_progress);
        must(from.wait_subscribers("news", 1, test_timeout));
        must(from.send("news of round " + std::to_string(round)));
        CHECK(receive_text(to) == "news of round " + std::to_string(round));
        REQUIRE(until([&] { return broker.messages() == count + 1; }));
        ++count;
        std::thread elsewhere([&] { broker.stop(); });
        elsewhere.join();
        broker.stop();
        // It has stopped when it can be started again.
        REQUIRE(until([&] {
            const auto ended = broker.run(no_wait);
            return ended || ended.error() == errc::would_block;
        }));
    }
    must(broker.start());
    // Its end stops it.
}

TEST_CASE("a broker may bind when it starts, and its start is an error if it cannot")
{
    auto in = new_context();
    auto taken = new_socket<pub>(in);
    must(taken.bind("inproc://taken"));
    const pubsub_broker_options later{.bind_at_start = true};
    auto broker = must(pubsub_broker::create(in, "inproc://front", "inproc://taken", later));
    CHECK(broker.frontend() == "inproc://front");
    CHECK(broker.messages() == 0);
    CHECK(broker.start().error() == errc::address_in_use);
    CHECK(broker.run(no_wait).error() == errc::address_in_use);
    CHECK(broker.messages() == 0);
    // Nothing is bound then.
    auto other = new_socket<pub>(in);
    must(other.bind("inproc://front"));
    must(other.unbind("inproc://front"));
    must(taken.unbind("inproc://taken"));
    must(broker.start());
    CHECK(other.bind("inproc://front").error() == errc::address_in_use);
    CHECK(taken.bind("inproc://taken").error() == errc::address_in_use);
    auto real = must(pubsub_broker::create(in, any_tcp, any_tcp, later));
    CHECK(real.backend() == any_tcp);
    must(real.start());
    CHECK(real.backend() != any_tcp);
    auto nonsense = must(pubsub_broker::create(in, "nonsense", any_tcp, later));
    CHECK(nonsense.start().error() == errc::invalid_argument);
}

TEST_CASE("a broker that is destroyed ends its run on another thread")
{
    auto in = new_context();
    std::optional<pubsub_broker> broker(must(pubsub_broker::create(in, any_tcp, any_tcp)));
    result<void> ended = fail(errc::timed_out, phase::none);
    std::thread runs([&] {
        // The other thread may be in it for a moment.
        do
            ended = broker->run(test_timeout);
        while (!ended && ended.error() == errc::in_progress);
    });
    REQUIRE(until([&] {
        const auto second = broker->run(no_wait);
        return !second && second.error() == errc::in_progress;
    }));
    broker.reset();
    runs.join();
    CHECK(ended);
}

TEST_CASE("a broker can be started again right after stop()")
{
    auto in = new_context();
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    for (int round = 0; round < repeats(100); ++round) {
        must(broker.start());
        broker.stop();
    }
    must(broker.start());
    CHECK(broker.start().error() == errc::in_progress);
    CHECK_FALSE(broker.ended_because());
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    must(from.connect(broker.frontend()));
    must(to.connect(broker.backend()));
    must(to.subscribe(""));
    must(from.wait_subscribers("", 1, test_timeout));
    must(from.send("news"));
    CHECK(receive_text(to) == "news");
}

TEST_CASE("a broker that was started ends with its context, and needs a thread of it")
{
    auto in = new_context();
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    must(broker.start());
    CHECK_FALSE(broker.ended_because());
    in.shutdown();
    // Its thread ends, and says why.
    CHECK(until([&] { return broker.ended_because() == errc::cancelled; }));
    CHECK(broker.start().error() == errc::cancelled);
    auto alone = new_context(0);
    auto other = must(pubsub_broker::create(alone, any_tcp, any_tcp));
    CHECK(other.start().error() == errc::not_supported);
    CHECK(other.run(no_wait).error() == errc::would_block);
    const auto moved = std::move(other);
    CHECK(other.start().error() == errc::invalid_state);
}
