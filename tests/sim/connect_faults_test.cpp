// SPDX-License-Identifier: MPL-2.0

// Connect attempts that fail.

#include "sim/sim_rig.hpp"

#include <array>

using namespace slk;
using namespace slk::testing;

namespace {

link_options with_connect_timeout(duration connect_timeout = 0s)
{
    link_options options;
    options.reconnect.connect_timeout = connect_timeout;
    options.reconnect.cap = 100ms;
    return options;
}

} // namespace

TEST_CASE("a failed attempt reports its error, and the next attempt connects")
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
    link_options options = with_connect_timeout();
    options.tuning.user_timeout = 1s;
    in.net.inject(which);
    test_link client(*in.client_loop, numeric_endpoint, options);
    if (which != fault::option_error) {
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(std::ranges::find(reasons, client.status().last_error.code) != reasons.end());
    }
    CHECK(in.until([&] { return client.connected(); }, 10s));
    CHECK(in.net.injected(which) == 1);
    CHECK(in.until([&] { return server.status().accepted == 1; }, 1ms));
}

TEST_CASE("an option that cannot be set fails the attempt while it is tuned")
{
    world in;
    test_listener server(*in.server_loop);
    link_options options = with_connect_timeout();
    options.tuning.user_timeout = 1s;
    // The first option that is set is no_delay, whose errors are ignored.
    in.net.inject(fault::option_error, 2);
    test_link client(*in.client_loop, numeric_endpoint, options);
    REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
    CHECK(client.status().last_error == errc::invalid_argument);
    CHECK(client.status().last_error.phase == phase::tune);
    CHECK(in.until([&] { return client.connected(); }, 10s));
}

TEST_CASE("a policy that stops on refused connections leaves the link idle with the error")
{
    world in;
    link_options options = with_connect_timeout();
    options.reconnect.policy = retry_policy::stop_on_refused();
    test_listener server(*in.server_loop);
    in.net.inject(fault::refuse);
    test_link client(*in.client_loop, numeric_endpoint, options);
    REQUIRE(in.until([&] { return client.failed_with(errc::connection_refused); }, 1s));
    CHECK(client.status().state == link_state::idle);
    CHECK(client.status().last_error == errc::connection_refused);
    in.net.run_for(1min);
    CHECK(client.status().state == link_state::idle);
    client.handle->start();
    CHECK(in.until([&] { return client.connected(); }, 1s));
}

TEST_CASE("the first lost SYN delays a connection by 1 second, each further one by twice the time")
{
    fault lost = fault::syn_loss;
    std::array<duration, 7> late{0s, 1s, 3s, 7s, 15s, 31s, 63s};
    SUBCASE("the SYN") {}
    SUBCASE("the answer to the SYN")
    {
        // The server repeats its answer by itself and after each repeated SYN.
        lost = fault::syn_answer_loss;
        late = {0s, 1s, 1s, 3s, 3s, 7s, 7s};
    }
    for (std::uint32_t times = 0; times < late.size(); ++times) {
        world in;
        test_listener server(*in.server_loop);
        in.net.inject(lost, times);
        test_link client(*in.client_loop, numeric_endpoint, with_connect_timeout());
        const duration took = in.time_until([&] { return client.connected(); });
        CHECK(took >= late[times] + 400us);
        CHECK(took < late[times] + 2ms);
        CHECK(in.net.injected(lost) == times);
        CHECK(in.until([&] { return server.status().accepted == 1; }, 1ms));
    }
}

TEST_CASE("the system ends an attempt after seven lost SYNs, in 127 seconds")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::syn_loss, 7);
    test_link client(*in.client_loop, numeric_endpoint, with_connect_timeout());
    const duration took = in.time_until([&] { return client.in_backoff(); });
    CHECK(took >= 127s);
    CHECK(took < 128s);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(in.until([&] { return client.connected(); }));
}

TEST_CASE("an attempt without an answer ends at connect_timeout, and leaves no socket")
{
    world in;
    test_listener server(*in.server_loop);
    in.net.inject(fault::black_hole);
    test_link client(*in.client_loop, numeric_endpoint, with_connect_timeout(3s));
    const duration took = in.time_until([&] { return client.in_backoff(); });
    CHECK(took >= 3s);
    CHECK(took < 3s + 1ms);
    CHECK(client.status().last_error == errc::timed_out);
    CHECK(in.net.open_sockets() == 1);
    CHECK(in.net.injected(fault::black_hole) == 1);
    CHECK(in.until([&] { return client.connected(); }));
}

TEST_CASE("an unknown address is unreachable, a closed port refuses, a family without a route is "
          "unreachable")
{
    world in;
    test_link nowhere(*in.client_loop, "tcp://10.9.9.9:5000", with_connect_timeout());
    test_link closed(*in.client_loop, "tcp://10.0.0.1:5001", with_connect_timeout());
    test_link without_route(*in.client_loop, "tcp://[fd00::1]:5000", with_connect_timeout());
    in.net.run_for(50ms);
    CHECK(nowhere.status().last_error == errc::host_unreachable);
    CHECK(closed.status().last_error == errc::connection_refused);
    CHECK(without_route.status().last_error == errc::network_unreachable);
}

TEST_CASE("bind_error: a source address that is taken or not local fails the attempt")
{
    world in;
    test_listener server(*in.server_loop);
    SUBCASE("injected")
    {
        in.net.inject(fault::bind_error);
        test_link client(*in.client_loop, "tcp://10.0.0.2;10.0.0.1:5000", with_connect_timeout());
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(client.status().last_error == errc::address_in_use);
        CHECK(in.until([&] { return client.connected(); }, 10s));
        CHECK(client.connection.local_address().bytes == ip("10.0.0.2").bytes);
    }
    SUBCASE("not local")
    {
        test_link client(*in.client_loop, "tcp://10.0.0.3;10.0.0.1:5000", with_connect_timeout());
        REQUIRE(in.until([&] { return client.in_backoff(); }, 1s));
        CHECK(client.status().last_error == errc::address_not_available);
    }
    SUBCASE("the same source port twice")
    {
        test_link first(*in.client_loop, "tcp://10.0.0.2:4000;10.0.0.1:5000",
                        with_connect_timeout());
        REQUIRE(in.until([&] { return first.connected(); }, 1s));
        CHECK(first.connection.local_address().port == 4000);
        test_link second(*in.client_loop, "tcp://10.0.0.2:4000;10.0.0.1:5000",
                         with_connect_timeout());
        REQUIRE(in.until([&] { return second.in_backoff(); }, 1s));
        CHECK(second.status().last_error == errc::address_in_use);
        first.handle->stop();
        CHECK(in.until([&] { return second.connected(); }, 10s));
    }
}
