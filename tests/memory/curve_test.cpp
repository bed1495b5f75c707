// SPDX-License-Identifier: MPL-2.0

// CURVE in lives in which allocations fail, and what an unknown peer makes a server allocate.

#include "worlds.hpp"

#include "zmtp/curve_rig.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string_view>
#include <vector>

namespace slk::testing {

namespace {

const char* encrypted(int threads)
{
    static const curve_key_pair server_keys = make_curve_keys().value();
    static const curve_key_pair client_keys = make_curve_keys().value();
    socket_options server = quick();
    server.security.mechanism = security_mechanism::curve_server;
    server.security.curve.own = server_keys.secret_key;
    socket_options client = quick();
    client.security.mechanism = security_mechanism::curve_client;
    client.security.curve.own = client_keys.secret_key;
    client.security.curve.server = server_keys.public_key;
    auto in = new_context(threads);
    EXPECT(in);
    auto to = new_socket<pull>(*in, server);
    EXPECT(to);
    auto from = new_socket<push>(*in, client);
    EXPECT(from);
    const auto bound = insist([&] { return to->bind("tcp://127.0.0.1:*"); });
    EXPECT(bound);
    EXPECT(insist([&] { return from->connect(*bound); }));
    if (const char* const wrong = all_kinds_of_messages(*from, *to))
        return wrong;
    end(from);
    end(to);
    end(in);
    return nullptr;
}

/// The allocations that a server makes for a HELLO with this byte changed; 0: none is.
std::uint64_t allocations_of(const curve_rig& rig, std::size_t changed)
{
    const auto client = zmtp::curve_peer::begin(rig.client());
    REQUIRE(client.has_value());
    std::vector<std::byte> frame((*client)->output().begin(), (*client)->output().end());
    const zmtp::header_view seen = zmtp::read_header(frame, {});
    constexpr std::size_t name = 6;
    const std::span<std::byte> data = std::span(frame).subspan(seen.frame.header + name);
    if (changed != 0)
        data[changed] ^= std::byte{1};
    failing_memory::start(0, 0);
    bool taken = false;
    in_library(
        [&] { taken = zmtp::curve_peer::accept(rig.server(), data, handshake_time).has_value(); });
    const std::uint64_t made = failing_memory::stop();
    CHECK(taken == (changed == 0));
    return made;
}

} // namespace

TEST_CASE("a failing allocation ends no program whose sockets use CURVE")
{
    if (!has_curve())
        return;
    run_matrix("curve", [] { return encrypted(0); });
    run_matrix("curve_with_threads", [] { return encrypted(1); });
}

TEST_CASE("a server allocates nothing for a HELLO that was not made for its key")
{
    if (!has_curve())
        return;
    const curve_rig rig;
    CHECK(allocations_of(rig, 0) > 0);
    // The version, the key of the client, the number and the box.
    for (const std::size_t changed : {1U, 80U, 110U, 120U, 180U})
        CHECK(allocations_of(rig, changed) == 0);
}

} // namespace slk::testing
