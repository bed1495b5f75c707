// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a peer takes as many properties as a socket may have")
{
    auto in = new_context();
    for (const bool large : {false, true}) {
        socket_options options;
        socket_options of_peer;
        if (large) {
            options.properties = {{"X-A", std::string(14'997, 'x')},
                                  {"X-B", std::string(14'997, 'x')}};
            options.max_metadata_size = of_peer.max_metadata_size = 31'000;
        } else {
            options.properties.assign(252, {"X-Name", "value"});
            options.properties.push_back({"X-Long", std::string(3'830, 'x')});
        }
        options.routing_id = std::string(255, 'i');
        auto to = new_socket<pair>(in, of_peer);
        auto from = new_socket<pair>(in, options);
        bind_and_connect(to, from);
        CHECK(from.wait_ready(test_timeout).has_value());
        CHECK(until([&] { return ready_peers(to) == 1; }));
        CHECK(to.peers().at(0).properties.size() == options.properties.size());
    }
}

TEST_CASE("the peer sees the properties of a socket")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    push_options options;
    options.properties = {{"X-Name", "value"}, {"X-Other", ""}};
    auto from = new_socket<push>(in, options);
    bind_and_connect(to, from);
    must(to.wait_ready(test_timeout));
    std::string name;
    const auto peers = to.peers();
    for (const auto& each : peers.at(0).properties)
        if (each.name == "X-Name")
            name = each.value;
    CHECK(name == "value");
}

TEST_CASE("without tells_retries the handshake has the program's properties only")
{
    for (const bool tells : {false, true}) {
        auto in = new_context();
        auto to = new_socket<stream_socket>(in);
        socket_options options;
        options.tells_retries = tells;
        auto from = new_socket<push>(in, options);
        bind_and_connect(to, from);
        peer_id id;
        message got;
        std::string all;
        must(to.receive(id, got, test_timeout)); // it has connected
        std::string greeting("\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL", 16);
        greeting.resize(64);
        must(to.send(id, greeting));
        const std::string own_property = "X-Retries-After-Error";
        constexpr std::size_t header = 64 + 2; // the greeting, and what comes before READY
        CHECK(until([&] {
            while (to.receive(id, got, no_wait))
                all += got.text();
            return all.size() > header &&
                   all.size() >= header + static_cast<unsigned char>(all[65]);
        }));
        CHECK((all.find(own_property) != std::string::npos) == tells);
    }
}
