// SPDX-License-Identifier: MPL-2.0
#include <serverlink/pub.hpp>
#include <serverlink/pubsub_broker.hpp>
#include <serverlink/sub.hpp>

#include "support/sockets.hpp"

#include <doctest/doctest.h>

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
