// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "sockets/router/router_rig.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a DEALER with probe_router sends an empty message when it connects")
{
    auto in = new_context();
    auto at = new_socket<router>(in);
    dealer_options options;
    options.routing_id = "prober";
    options.probe_router = true;
    auto probing = new_socket<dealer>(in, options);
    bind_and_connect(at, probing);
    const auto got = receive_event(at);
    CHECK(got.from.routing_id == "prober");
    CHECK(got.text.empty());
}

TEST_CASE(
    "a ROUTER with probe_router sends an empty message to another ROUTER, and otherwise does not")
{
    for (const bool probes : {true, false}) {
        auto in = new_context();
        auto at = new_socket<router>(in);
        router_options options = reconnect_at_once<router_options>();
        options.routing_id = "prober";
        options.probe_router = probes;
        auto other = new_socket<router>(in, options);
        bind_and_connect(at, other);
        must(other.wait_ready(test_timeout)); // this call sends the probe
        if (probes) {
            const auto received = receive_event(at);
            CHECK(received.from.routing_id == "prober");
            CHECK(received.text.empty());
        } else {
            must(at.wait_ready(test_timeout));
            multipart none;
            peer_id from;
            CHECK(code_of(at.receive(from, none, short_timeout)) == errc::timed_out);
        }
    }
}
