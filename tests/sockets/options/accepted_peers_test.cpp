// SPDX-License-Identifier: MPL-2.0

// socket_options::accepts: which peers a bound socket lets in.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

bool contains(std::string_view network, std::string_view host)
{
    return must(peer_filter::network::parse(network)).contains(must(address::parse(host, 5)));
}

/// Whether a PUSH that connects to a PULL with that filter reaches it.
bool lets_in(const peer_filter& filter, const std::string& where)
{
    auto in = new_context();
    pull_options options;
    options.accepts = filter;
    auto receiver = new_socket<pull>(in, options);
    auto sender = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(receiver, sender, where);
    REQUIRE(until(
        [&] { return receiver.counters().rejected > 0 || receiver.wait_ready(1ms).has_value(); }));
    return receiver.counters().rejected == 0;
}

peer_filter networks(std::string_view text)
{
    peer_filter made;
    made.networks.push_back(must(peer_filter::network::parse(text)));
    return made;
}

} // namespace

TEST_CASE("a network contains the addresses with the same first bits")
{
    CHECK(contains("192.0.2.0/24", "192.0.2.255"));
    CHECK_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
    CHECK(contains("192.0.2.128/25", "192.0.2.129"));
    CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    CHECK(contains("192.0.2.1", "192.0.2.1"));
    CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
    CHECK(contains("0.0.0.0/0", "8.8.8.8"));
    CHECK(contains("2001:db8::/32", "2001:db8:1::1"));
    CHECK_FALSE(contains("2001:db8::/32", "2001:db9::1"));
    CHECK_FALSE(contains("0.0.0.0/0", "::1"));
    CHECK(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
}

TEST_CASE("what is no network is refused")
{
    for (const std::string_view text :
         {"", "nonsense", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/8x",
          "2001:db8::/129", "/8", "192.0.2.0/24/8"}) {
        CAPTURE(text);
        CHECK(code_of(peer_filter::network::parse(text)) == errc::invalid_argument);
    }
}

TEST_CASE("a bound socket refuses peers of other networks")
{
    CHECK(lets_in(networks("127.0.0.0/8"), any_tcp));
    CHECK_FALSE(lets_in(networks("192.0.2.0/24"), any_tcp));
    CHECK(lets_in({}, any_tcp));
}
