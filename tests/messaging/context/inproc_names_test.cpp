// SPDX-License-Identifier: MPL-2.0

// Names of inproc: two sockets meet under a name, in either order.

#include "lane/allocations.hpp"
#include "messaging/context/inproc_names.hpp"
#include "messaging/lane_messages.hpp"

using namespace slk;
using namespace slk::testing;
using messaging::inbox;
using messaging::inproc_names;
using messaging::inproc_party;
using messaging::peer_connected;
using messaging::peer_report;
using messaging::pipe_origin;
using zmtp::socket_type;

namespace {

/// One of the two sockets.
struct side {
    side(socket_type type, std::string id, std::uint64_t endpoint, std::uint32_t receive_mark)
        : box(reference<inbox>::adopt(new inbox)),
          log(*messaging::endpoint_log::create(endpoint, box, phase::none)),
          party{.reports = box,
                .log = log,
                .type = type,
                .routing_id = std::move(id),
                .endpoint = endpoint,
                .receive_mark = receive_mark,
                .pools = &pools}
    {
    }
    ~side()
    {
        (void)events();
        for (const auto& each : met)
            each->far.reset();
    }

    /// Takes the events, and keeps their pipes.
    std::vector<peer_report> events()
    {
        for (messaging::inbox_entry* each = box->take_signalled(); each != nullptr;) {
            messaging::inbox_entry* const next = each->next;
            if (!box->is_events(*each)) {
                (void)static_cast<messaging::pipe*>(each)->take_signals();
                static_cast<messaging::pipe*>(each)->release();
            }
            each = next;
        }
        std::vector<peer_report> all;
        box->take_events([&](peer_report& each) { all.push_back(std::move(each)); });
        for (const peer_report& each : all)
            if (const auto* const how = std::get_if<peer_connected>(&each.what); how != nullptr)
                met.push_back(how->peer);
        return all;
    }

    lane::chunk_pools pools;
    reference<inbox> box;
    reference<messaging::endpoint_log> log;
    inproc_party party;
    std::vector<reference<messaging::pipe>> met;
};

reference<messaging::pipe> connect(inproc_names& names, side& caller,
                                   const std::string& name = "name")
{
    auto made = names.connect(name, caller.party);
    REQUIRE(made);
    caller.met.push_back(*made);
    return *made;
}

const peer_connected& connected_by(const peer_report& report)
{
    REQUIRE(std::holds_alternative<peer_connected>(report.what));
    return std::get<peer_connected>(report.what);
}

/// Each side was told of the other one, and reads what the other one writes.
void check_met(side& owner, side& caller, const reference<messaging::pipe>& near)
{
    const auto to_owner = owner.events();
    REQUIRE(to_owner.size() == 1);
    const peer_connected& by_owner = connected_by(to_owner[0]);
    CHECK(by_owner.info.type == caller.party.type);
    CHECK(by_owner.info.routing_id == caller.party.routing_id);
    CHECK(by_owner.peer->far_marks().messages == caller.party.receive_mark);
    messaging::pipe& far = *by_owner.peer;
    CHECK(far.endpoint == owner.party.endpoint);
    CHECK(far.origin == pipe_origin::accept);
    CHECK(far.is_inproc);

    const auto to_caller = caller.events();
    REQUIRE(to_caller.size() == 1);
    const peer_connected& by_caller = connected_by(to_caller[0]);
    CHECK(by_caller.peer.get() == near.get());
    CHECK(by_caller.info.type == owner.party.type);
    CHECK(by_caller.info.routing_id == owner.party.routing_id);
    CHECK(by_caller.peer->far_marks().messages == owner.party.receive_mark);
    CHECK(near->endpoint == caller.party.endpoint);
    CHECK(near->origin == pipe_origin::connect);
    CHECK(near->is_inproc);

    lane::lane& to_bound = near->lanes()->toward[0];
    send(to_bound, {"to the owner"});
    CHECK(&far.in.lane() == &to_bound);
    CHECK(receive(far.in.lane()) == parts{"to the owner"});
    send(near->lanes()->toward[1], {"to the caller"});
    CHECK(receive(near->in.lane()) == parts{"to the caller"});
    near->far->on_readable();
    CHECK(owner.box->has_reports());
    far.far->on_writable();
    CHECK(caller.box->has_reports());
}

} // namespace

TEST_CASE("connect() to a bound name meets its owner at once")
{
    inproc_names names;
    side owner(socket_type::router, "owner", 1, 20), caller(socket_type::dealer, "caller", 2, 30);
    REQUIRE(names.bind("name", owner.party));
    check_met(owner, caller, connect(names, caller));
}

TEST_CASE("connect() to a free name waits for it, and the pipe may be written to meanwhile")
{
    inproc_names names;
    side owner(socket_type::router, "owner", 1, 20), caller(socket_type::dealer, "caller", 2, 30);
    const auto near = connect(names, caller);
    CHECK_FALSE(caller.box->has_reports());
    send(near->lanes()->toward[0], {"early"});
    near->far->on_readable();
    REQUIRE(names.bind("another name", owner.party));
    CHECK_FALSE(owner.box->has_reports());
    REQUIRE(names.bind("name", owner.party));
    CHECK(receive(near->lanes()->toward[0]) == parts{"early"});
    check_met(owner, caller, near);
}

TEST_CASE("all sockets that wait for a name meet its owner, in the order of their connects")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20);
    side one(socket_type::push, "1", 2, 30), two(socket_type::push, "2", 3, 30);
    side other(socket_type::push, "3", 4, 30);
    (void)connect(names, one);
    (void)connect(names, other, "other");
    (void)connect(names, two);
    (void)connect(names, one);
    REQUIRE(names.bind("name", owner.party));
    const auto events = owner.events();
    REQUIRE(events.size() == 3);
    CHECK(connected_by(events[0]).info.routing_id == "1");
    CHECK(connected_by(events[1]).info.routing_id == "2");
    CHECK(connected_by(events[2]).info.routing_id == "1");
    CHECK(one.events().size() == 2);
    CHECK(two.events().size() == 1);
    CHECK(other.events().empty());
    names.forget(other.party.endpoint);
}

TEST_CASE("a name has one owner until it is unbound")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20), next(socket_type::pull, "", 2, 20);
    side caller(socket_type::push, "", 3, 30);
    REQUIRE(names.bind("name", owner.party));
    const auto refused = names.bind("name", next.party);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(refused.error().phase == phase::bind);
    // Only its owner can unbind it.
    names.unbind("name", next.party.endpoint);
    REQUIRE_FALSE(names.bind("name", next.party));
    names.unbind("name", owner.party.endpoint);
    names.unbind("name", owner.party.endpoint);
    REQUIRE(names.bind("name", next.party));
    check_met(next, caller, connect(names, caller));
    CHECK(owner.events().empty());
}

TEST_CASE("sockets whose types do not suit each other do not meet, and the connecting one is told")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20), caller(socket_type::pair, "", 2, 30);
    side suitable(socket_type::push, "", 3, 30);
    SUBCASE("at once, when the name is bound")
    {
        REQUIRE(names.bind("name", owner.party));
        const auto refused = names.connect("name", caller.party);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
        CHECK(caller.events().empty());
        check_met(owner, suitable, connect(names, suitable));
    }
    SUBCASE("by an event, when it is bound later; and it waits for the next owner")
    {
        const auto near = connect(names, suitable);
        const auto unsuitable = connect(names, caller);
        REQUIRE(names.bind("name", owner.party));
        CHECK(caller.events().empty());
        const auto failures = caller.log->handshake_failures();
        CHECK(failures.count == 1);
        CHECK(failures.latest == errc::invalid_argument);
        check_met(owner, suitable, near);
        names.unbind("name", owner.party.endpoint);
        side other(socket_type::pair, "", 4, 20);
        REQUIRE(names.bind("name", other.party));
        check_met(other, caller, unsuitable);
    }
}

TEST_CASE("an endpoint that is forgotten waits no longer")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20);
    side one(socket_type::push, "1", 2, 30), two(socket_type::push, "2", 3, 30);
    (void)connect(names, one);
    (void)connect(names, one, "other");
    const auto near = connect(names, two);
    names.forget(one.party.endpoint);
    names.forget(12345);
    REQUIRE(names.bind("name", owner.party));
    REQUIRE(names.bind("other", owner.party));
    CHECK(one.events().empty());
    check_met(owner, two, near);
}

TEST_CASE("without memory connect() fails, and nothing waits for the name")
{
    inproc_names names;
    side caller(socket_type::push, "1", 2, 30);
    for (const std::uint64_t blocks : {0u, 1u, 2u}) {
        const scarce_memory scarce(blocks);
        const auto refused = names.connect("name", caller.party);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::out_of_memory);
    }
}

TEST_CASE("a REP or a ROUTER gets peers that are no sockets, as long as there are not too many")
{
    struct nobody final : messaging::far_end {
        void on_readable() noexcept override {}
        void on_writable() noexcept override {}
        void pipe_closed(const error&) noexcept override {}
        void disconnect(const error&) noexcept override {}
    };
    const auto near = reference<messaging::far_end>::adopt(new nobody);
    lane::chunk_pools pools;
    const auto lanes = messaging::pipe_lanes::create(pools, false);
    for (const socket_type type : {socket_type::rep, socket_type::router, socket_type::pull}) {
        inproc_names names;
        side owner(type, {}, 1, 0);
        CHECK(names.add_peer("name", *near, lanes).error() == errc::not_connected);
        REQUIRE(names.bind("name", owner.party));
        if (type == socket_type::pull) {
            CHECK(names.add_peer("name", *near, lanes).error() == errc::not_supported);
            continue;
        }
        for (std::uint32_t number = 0; number < inproc_names::max_added; ++number)
            REQUIRE(names.add_peer("name", *near, lanes));
        CHECK(names.add_peer("name", *near, lanes).error() == errc::would_block);
        // The owner has taken note of them, and has parted from one.
        CHECK(owner.events().size() == inproc_names::max_added);
        owner.met.back()->far.reset();
        owner.met.pop_back();
        CHECK(names.add_peer("name", *near, lanes));
        CHECK(names.add_peer("name", *near, lanes).error() == errc::would_block);
        CHECK(connected_by(owner.events().at(0)).info.type == socket_type::dealer);
    }
}
