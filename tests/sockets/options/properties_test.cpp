// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

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
