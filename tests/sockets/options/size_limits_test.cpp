// SPDX-License-Identifier: MPL-2.0

// max_message_size, max_handshake_size and max_metadata_size.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("a part larger than max_message_size ends the connection")
{
    auto in = new_context();
    pull_options options;
    options.max_message_size = 1000;
    auto to = new_socket<pull>(in, options);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    must(from.send(std::string(1000, 'x'), test_timeout));
    CHECK(receive_text(to).size() == 1000);
    must(from.send(std::string(1001, 'x'), test_timeout));
    CHECK(until([&] {
        const auto all = to.peers();
        message got;
        (void)to.receive(got, no_wait);
        return from.peers().at(0).connections >= 2;
    }));
}

TEST_CASE("a handshake larger than max_handshake_size fails")
{
    for (const std::size_t max_size : {std::size_t{100}, std::size_t{65536}}) {
        CAPTURE(max_size);
        auto in = new_context();
        pull_options options;
        options.max_handshake_size = max_size;
        auto to = new_socket<pull>(in, options);
        push_options of_push = reconnect_at_once();
        of_push.properties = {{"X-Long", std::string(500, 'x')}};
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from);
        if (max_size == 65536) {
            must(to.wait_ready(test_timeout));
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::message_too_large);
        }
    }
}

TEST_CASE("metadata larger than max_metadata_size fails the handshake, on either side")
{
    for (const bool client_refuses : {false, true})
        for (const std::size_t max_size :
             {socket_options{}.max_metadata_size, std::size_t{65536}}) {
            CAPTURE(client_refuses);
            CAPTURE(max_size);
            auto in = new_context();
            pull_options of_pull = reconnect_at_once();
            of_pull.max_metadata_size = max_size;
            push_options of_push = reconnect_at_once();
            of_push.max_metadata_size = 65536;
            of_push.properties = {{"X-Long", std::string(8192, 'x')}};
            auto to = new_socket<pull>(in, of_pull);
            auto from = new_socket<push>(in, of_push);
            if (client_refuses)
                bind_and_connect(from, to);
            else
                bind_and_connect(to, from);
            if (max_size == 65536) {
                must(to.wait_ready(test_timeout));
                CHECK(to.peers().at(0).properties.at(0).value.size() == 8192);
            } else {
                CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
                CHECK(to.endpoints()[0].last_handshake_failure == errc::message_too_large);
            }
        }
}
