// SPDX-License-Identifier: MPL-2.0
#include "link_rig.hpp"
#include "support/own_network.hpp"
#include "support/skip.hpp"

#include <algorithm>

namespace slk::link_tests {

TEST_CASE("links that find no local port wait in backoff and connect once ports are free")
{
    testing::own_network network;
    if (!network.usable())
        SLK_SKIP(testing::no_namespaces);
    constexpr std::size_t ports = 20;
    if (!testing::own_network::set_port_range("40000 40019"))
        SLK_SKIP("the range of ephemeral ports cannot be set");

    rig on;
    server peer(*on);
    std::vector<link> links;
    for (std::size_t number = 0; number < ports + 5; ++number) {
        links.push_back(make_link(*on, at(peer.where()), {}));
        links.back().start();
    }
    const auto starved = [](const link& l) {
        return l.status().state == link_state::backoff &&
               classify(l.status().last_error) == failure_class::no_local_port;
    };
    // The listener may have one of the ports, so some links get none.
    REQUIRE(on.until([&] {
        return std::ranges::count_if(links, starved) >= 5 &&
               std::ranges::count_if(links, connected) >= 10;
    }));
    CHECK(testing::own_network::set_port_range("40000 40099"));
    CHECK(on.until([&] { return std::ranges::all_of(links, connected); }));
}

} // namespace slk::link_tests
