// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SOCKETS_ROUTER_ROUTER_RIG_HPP
#define SLK_TESTS_SOCKETS_ROUTER_ROUTER_RIG_HPP

/// What the tests of ROUTER share: peers with a routing id, and received messages with their peer.

#include <serverlink/dealer.hpp>
#include <serverlink/router.hpp>

#include "support/sockets.hpp"

#include <string>

namespace slk::testing {

inline dealer new_dealer(context& in, const std::string& to, const std::string& id)
{
    dealer_options options = reconnect_at_once<dealer_options>();
    options.routing_id = id;
    auto made = new_socket<dealer>(in, options);
    must(made.connect(to));
    return made;
}

struct received_event {
    router_event event{};
    peer_id from{};
    std::string text{};
};

inline received_event receive_event(router& at, const timeout& limit = test_timeout)
{
    received_event got;
    message part;
    got.event = must(at.receive(got.from, part, limit));
    got.text = part.text();
    return got;
}

} // namespace slk::testing

#endif
