// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <concepts>
#include <string>

using namespace slk;
using namespace slk::testing;

TEST_CASE("the options of every type can be written as designated initialisers")
{
    auto in = new_context();
    CHECK(push::create(in, {.send_high_water_mark = 7, .conflate = false})
              ->options()
              .send_high_water_mark == 7);
    CHECK(pull::create(in, {.receive_high_water_mark = 8})->options().receive_high_water_mark == 8);
    CHECK(pair::create(in, {.routing_id = "a pair"})->options().routing_id == "a pair");
    CHECK(dealer::create(in, {.routing_id = "a dealer", .probe_router = true})
              ->options()
              .probe_router);
    const auto routing = router::create(in, {.max_peers = 3, .mandatory = false, .handover = true});
    CHECK(routing->options().max_peers == 3);
    CHECK_FALSE(routing->options().mandatory);
    CHECK(routing->options().handover);
}

TEST_CASE("an option of another type is refused by its name")
{
    auto in = new_context();
    const auto refuses = [&]<class Socket>(std::type_identity<Socket>, const char* name,
                                           const socket_options& options) {
        const auto made = Socket::create(in, options);
        return !made && made.error() == errc::invalid_argument &&
               std::string(made.error().detail).find(name) != std::string::npos;
    };
    const socket_options probe{.probe_router = true};
    CHECK(refuses(std::type_identity<push>(), "probe_router", probe));
    CHECK(refuses(std::type_identity<pull>(), "probe_router", probe));
    CHECK(refuses(std::type_identity<pair>(), "probe_router", probe));
    const auto only_a_router_takes = [&](const char* name, const socket_options& options) {
        CHECK(refuses(std::type_identity<push>(), name, options));
        CHECK(refuses(std::type_identity<pull>(), name, options));
        CHECK(refuses(std::type_identity<pair>(), name, options));
        CHECK(refuses(std::type_identity<dealer>(), name, options));
        CHECK(router::create(in, options));
    };
    only_a_router_takes("handover", {.handover = true});
    only_a_router_takes("mute_duplicates", {.mute_duplicates = true});
    only_a_router_takes("notify_connect", {.notify_connect = true});
    only_a_router_takes("notify_disconnect", {.notify_disconnect = true});
}

TEST_CASE("a change of one live option keeps the others")
{
    auto in = new_context();
    auto at = new_socket<router>(in, {.mandatory = false, .notify_connect = true});
    must(at.set_handover(true));
    must(at.set_send_high_water_mark(5));
    must(at.set_notify(true, true));
    const socket_options now = at.options();
    CHECK_FALSE(now.mandatory);
    CHECK(now.handover);
    CHECK(now.notify_connect);
    CHECK(now.notify_disconnect);
    CHECK(now.send_high_water_mark == 5);
    // And they act: to send to nobody is no error.
    CHECK(must(at.send({.routing_id = "nobody"}, "text")) == send_outcome::dropped_no_route);
}
