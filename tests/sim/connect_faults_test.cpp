// SPDX-License-Identifier: MPL-2.0

// Attempts that fail, and when.

#include "sim/sim_rig.hpp"

#include <array>

using namespace slk;
using namespace slk::testing;

namespace {

link_options patient(duration connect_timeout = 0s)
{
    link_options options;
    options.reconnect.connect_timeout = connect_timeout;
    options.reconnect.cap = 100ms;
    return options;
}

constexpr const char* by_number = "tcp://10.0.0.1:5000";

} // namespace

TEST_CASE("what ends an attempt is its reason, and the next attempt connects")
{
    world in;
    test_listener server(*in.server_loop);
    fault which{};
    std::vector<errc> reasons;
    SUBCASE("refuse")
    {
        which = fault::refuse;
        reasons = {errc::connection_refused};
    }
    SUBCASE("unreachable")
    {
        which = fault::unreachable;
        reasons = {errc::host_unreachable};
    }
    SUBCASE("connect_error")
    {
        which = fault::connect_error;
        reasons = {errc::permission_denied, errc::network_unreachable, errc::host_unreachable,
                   errc::out_of_memory};
    }
    SUBCASE("no_port")
    {
        which = fault::no_port;
        reasons = {errc::no_local_port};
    }
    SUBCASE("no_descriptor")
    {
        which = fault::no_descriptor;
        reasons = {errc::too_many_descriptors};
    }
    SUBCASE("option_error")
    {
        which = fault::option_error;
        reasons = {errc::invalid_argument};
    }
    link_options options = patient();
    options.tuning.user_timeout = 1s;
    in.net.inject(which);
    test_link client(*in.client_loop, by_number, options);
    if (which != fault::option_error) {
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(std::ranges::find(reasons, client.status().last_error.code) != reasons.end());
    }
    CHECK(in.until([&] { return client.connected(); }, 10s));
    CHECK(in.net.injected(which) == 1);
    CHECK(in.until([&] { return server.status().accepted == 1; }, 1ms));
}

TEST_CASE("an option that was asked for and is refused fails the attempt in tuning")
{
    world in;
    test_listener server(*in.server_loop);
    link_options options = patient();
    options.tuning.user_timeout = 1s;
    // The first option is no_delay, which is best effort.
    in.net.inject(fault::option_error, 2);
    test_link client(*in.client_loop, by_number, options);
    REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
    CHECK(client.status().last_error == errc::invalid_argument);
    CHECK(client.status().last_error.phase == phase::tune);
    CHECK(in.until([&] { return client.connected(); }, 10s));
}

TEST_CASE("a policy that stops on refused connections leaves the link idle with the reason")
{
    world in;
    link_options options = patient();
    options.reconnect.policy = retry_policy::stop_on_refused();
    test_listener server(*in.server_loop);
    in.net.inject(fault::refuse);
    test_link client(*in.client_loop, by_number, options);
    REQUIRE(in.until([&] { return client.failed_with(errc::connection_refused); }, 1s));
    CHECK(client.status().state == link_state::idle);
    CHECK(client.status().last_error == errc::connection_refused);
    in.net.run_for(1min);
    CHECK(client.status().state == link_state::idle);
    client.handle->start();
    CHECK(in.until([&] { return client.connected(); }, 1s));
}

TEST_CASE(
    "a lost SYN costs 1 second, two cost 3, three cost 7; answers are repeated from both sides")
{
    fault lost = fault::syn_loss;
    std::array<duration, 7> late{0s, 1s, 3s, 7s, 15s, 31s, 63s};
    SUBCASE("the SYN") {}
    SUBCASE("its answer")
    {
        // The client's next SYN asks for it, and the server sends it again by itself.
        lost = fault::syn_answer_loss;
        late = {0s, 1s, 1s, 3s, 3s, 7s, 7s};
    }
    for (std::uint32_t times = 0; times < late.size(); ++times) {
        world in;
        test_listener server(*in.server_loop);
        in.net.inject(lost, times);
        test_link client(*in.client_loop, by_number, patient());
        const duration took = in.time_until([&] { return client.connected(); });
        CHECK(took >= late[times] + 400us);
        CHECK(took < late[times] + 2ms);
        CHECK(in.net.injected(lost) == times);
        CHECK(in.until([&] { return server.status().accepted == 1; }, 1ms));
    }
}

TEST_CASE("when seven SYNs are lost the system gives up, after 127 seconds")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::syn_loss, 7);
    test_link client(*in.client_loop, by_number, patient());
    const duration took = in.time_until([&] { return client.in_backoff(); });
    CHECK(took >= 127s);
    CHECK(took < 128s);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(in.until([&] { return client.connected(); }));
}

TEST_CASE("a black-holed attempt ends by the link's deadline, and nothing of it is left")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::black_hole);
    test_link client(*in.client_loop, by_number, patient(3s));
    const duration took = in.time_until([&] { return client.in_backoff(); });
    CHECK(took >= 3s);
    CHECK(took < 3s + 1ms);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(in.net.open_sockets() == 1);
    CHECK(in.net.injected(fault::black_hole) == 1);
    CHECK(in.until([&] { return client.connected(); }));
}

TEST_CASE("nobody at the address: unreachable; nobody at the port: refused; no route: unreachable")
{
    world in;
    test_link nowhere(*in.client_loop, "tcp://10.9.9.9:5000", patient());
    test_link closed(*in.client_loop, "tcp://10.0.0.1:5001", patient());
    test_link without_route(*in.client_loop, "tcp://[fd00::1]:5000", patient());
    in.net.run_for(50ms);
    CHECK(nowhere.status().last_error == errc::host_unreachable);
    CHECK(closed.status().last_error == errc::connection_refused);
    CHECK(without_route.status().last_error == errc::network_unreachable);
}

TEST_CASE("bind_error: a source address that is taken or not ours fails the attempt in bind")
{
    world in;
    test_listener server(*in.server_loop);
    SUBCASE("struck")
    {
        in.net.inject(fault::bind_error);
        test_link client(*in.client_loop, "tcp://10.0.0.2;10.0.0.1:5000", patient());
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(client.status().last_error == errc::address_in_use);
        CHECK(in.until([&] { return client.connected(); }, 10s));
        CHECK(client.connection.local_address().bytes == ip("10.0.0.2").bytes);
    }
    SUBCASE("somebody else's")
    {
        test_link client(*in.client_loop, "tcp://10.0.0.3;10.0.0.1:5000", patient());
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(client.status().last_error == errc::address_not_available);
    }
    SUBCASE("a port of its own, twice")
    {
        test_link first(*in.client_loop, "tcp://10.0.0.2:4000;10.0.0.1:5000", patient());
        REQUIRE(in.until([&] { return first.connected(); }, 1s));
        CHECK(first.connection.local_address().port == 4000);
        test_link second(*in.client_loop, "tcp://10.0.0.2:4000;10.0.0.1:5000", patient());
        REQUIRE(in.until([&] { return second.in_backoff(); }, 1s));
        CHECK(second.status().last_error == errc::address_in_use);
        first.handle->stop();
        CHECK(in.until([&] { return second.connected(); }, 10s));
    }
}
