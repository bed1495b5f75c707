// SPDX-License-Identifier: MPL-2.0

// Names of inproc: who meets whom, in either order.

#include "../lane/allocations.hpp"
#include "lane_messages.hpp"
#include "messaging/inproc.hpp"

using namespace slk;
using namespace slk::testing;
using messaging::inproc_names;
using messaging::inproc_party;
using messaging::mail;
using messaging::mail_kind;
using messaging::mailbox;
using zmtp::socket_type;

namespace {

/// One of the two sockets, as far as the names know it.
struct side {
    side(socket_type type, std::string id, std::uint64_t endpoint, std::uint32_t receive_mark)
        : box(reference<mailbox>::adopt(new mailbox)),
          party{box, type, std::move(id), endpoint, 5, receive_mark, &pools}
    {
    }
    ~side()
    {
        (void)letters();
        for (const auto& each : met)
            each->far.reset();
    }

    /// What has come; the pipes in it are kept.
    std::vector<mail> letters()
    {
        for (messaging::ringer* each = box->take_rung(); each != nullptr;) {
            messaging::ringer* const next = each->next;
            if (!box->is_letters(*each)) {
                (void)static_cast<messaging::pipe*>(each)->take_signals();
                static_cast<messaging::pipe*>(each)->release();
            }
            each = next;
        }
        auto all = box->take_letters();
        for (const mail& each : all)
            if (each.which)
                met.push_back(each.which);
        return all;
    }

    lane::chunk_pools pools;
    reference<mailbox> box;
    inproc_party party;
    std::vector<reference<messaging::pipe>> met;
};

reference<messaging::pipe> connect(inproc_names& names, side& who, const std::string& name = "name")
{
    auto made = names.connect(name, who.party);
    REQUIRE(made);
    who.met.push_back(*made);
    return *made;
}

/// Both have met: each knows the other, and what one writes the other reads.
void check_met(side& owner, side& guest, const reference<messaging::pipe>& near)
{
    const auto to_owner = owner.letters();
    REQUIRE(to_owner.size() == 1);
    CHECK(to_owner[0].kind == mail_kind::arrived);
    CHECK(to_owner[0].about.type == guest.party.type);
    CHECK(to_owner[0].about.routing_id == guest.party.routing_id);
    CHECK(to_owner[0].far_mark == guest.party.receive_mark);
    messaging::pipe& far = *to_owner[0].which;
    CHECK(far.endpoint == owner.party.endpoint);
    CHECK(far.accepted);
    CHECK(far.is_inproc);

    const auto to_guest = guest.letters();
    REQUIRE(to_guest.size() == 1);
    CHECK(to_guest[0].kind == mail_kind::arrived);
    CHECK(to_guest[0].which.get() == near.get());
    CHECK(to_guest[0].about.type == owner.party.type);
    CHECK(to_guest[0].about.routing_id == owner.party.routing_id);
    CHECK(to_guest[0].far_mark == owner.party.receive_mark);
    CHECK(near->endpoint == guest.party.endpoint);
    CHECK_FALSE(near->accepted);
    CHECK(near->is_inproc);

    send(near->out(), {"to the owner"});
    CHECK(receive(far.in()) == parts{"to the owner"});
    send(far.out(), {"to the guest"});
    CHECK(receive(near->in()) == parts{"to the guest"});
    near->far->on_readable();
    CHECK(owner.box->has_news());
    far.far->on_writable();
    CHECK(guest.box->has_news());
}

} // namespace

TEST_CASE("who connects to a bound name meets its owner at once")
{
    inproc_names names;
    side owner(socket_type::router, "owner", 1, 20), guest(socket_type::dealer, "guest", 2, 30);
    REQUIRE(names.bind("name", owner.party));
    check_met(owner, guest, connect(names, guest));
}

TEST_CASE("who connects before waits for the name, and may be written to meanwhile")
{
    inproc_names names;
    side owner(socket_type::router, "owner", 1, 20), guest(socket_type::dealer, "guest", 2, 30);
    const auto near = connect(names, guest);
    CHECK_FALSE(guest.box->has_news());
    send(near->out(), {"early"});
    near->far->on_readable();
    REQUIRE(names.bind("another name", owner.party));
    CHECK_FALSE(owner.box->has_news());
    REQUIRE(names.bind("name", owner.party));
    CHECK(receive(near->lanes()->toward[0]) == parts{"early"});
    check_met(owner, guest, near);
}

TEST_CASE("all who wait for a name meet its owner, in the order in which they came")
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
    const auto letters = owner.letters();
    REQUIRE(letters.size() == 3);
    CHECK(letters[0].about.routing_id == "1");
    CHECK(letters[1].about.routing_id == "2");
    CHECK(letters[2].about.routing_id == "1");
    CHECK(one.letters().size() == 2);
    CHECK(two.letters().size() == 1);
    CHECK(other.letters().empty());
    names.forget(other.party.endpoint);
}

TEST_CASE("a name has one owner, until he gives it back")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20), next(socket_type::pull, "", 2, 20);
    side guest(socket_type::push, "", 3, 30);
    REQUIRE(names.bind("name", owner.party));
    const auto refused = names.bind("name", next.party);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::address_in_use);
    CHECK(refused.error().phase == phase::bind);
    // Who does not own it cannot give it back.
    names.unbind("name", next.party.endpoint);
    REQUIRE_FALSE(names.bind("name", next.party));
    names.unbind("name", owner.party.endpoint);
    names.unbind("name", owner.party.endpoint);
    REQUIRE(names.bind("name", next.party));
    check_met(next, guest, connect(names, guest));
    CHECK(owner.letters().empty());
}

TEST_CASE("types that do not suit each other do not meet, and the connecting one is told")
{
    inproc_names names;
    side owner(socket_type::pull, "", 1, 20), guest(socket_type::pair, "", 2, 30);
    side suitable(socket_type::push, "", 3, 30);
    SUBCASE("at once, when the name is bound")
    {
        REQUIRE(names.bind("name", owner.party));
        const auto refused = names.connect("name", guest.party);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::invalid_argument);
        CHECK(guest.letters().empty());
        check_met(owner, suitable, connect(names, suitable));
    }
    SUBCASE("by a letter, when it is bound later")
    {
        const auto unsuitable = connect(names, guest);
        const auto near = connect(names, suitable);
        REQUIRE(names.bind("name", owner.party));
        const auto letters = guest.letters();
        REQUIRE(letters.size() == 1);
        CHECK(letters[0].kind == mail_kind::left);
        CHECK(letters[0].which.get() == unsuitable.get());
        CHECK(letters[0].for_good);
        CHECK(letters[0].reason.code == errc::invalid_argument);
        check_met(owner, suitable, near);
    }
}

TEST_CASE("who is forgotten does not wait any longer")
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
    CHECK(one.letters().empty());
    check_met(owner, two, near);
}

TEST_CASE("without memory nobody waits")
{
    inproc_names names;
    side guest(socket_type::push, "1", 2, 30);
    for (const std::uint64_t blocks : {0u, 1u, 2u}) {
        const scarce_memory scarce(blocks);
        const auto refused = names.connect("name", guest.party);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::out_of_memory);
    }
}
