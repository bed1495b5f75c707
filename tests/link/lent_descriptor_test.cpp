// SPDX-License-Identifier: MPL-2.0

// A stream whose descriptor another thread may use is over at once, and closed later if a transfer
// is under way there.

#include "link/stream_core.hpp"
#include "link_rig.hpp"

#include "base/reference.hpp"

#include <array>

namespace slk::link_tests {

namespace {

using link_detail::stream_core;
using outcome = std::optional<result<std::size_t>>;

stream::handler store_in(outcome& where)
{
    return [&where](result<std::size_t> got) {
        CHECK_FALSE(where.has_value());
        where.emplace(std::move(got));
    };
}

/// A thread that is always inside a transfer when the stream ends.
struct busy_user final : link_detail::descriptor_user {
    bool release_descriptor() noexcept override
    {
        ++releases;
        return false;
    }
    void wait_for_descriptor() noexcept override { ++waits; }

    int releases = 0;
    int waits = 0;
};

/// Connections from one loop to itself.
struct connections {
    explicit connections(std::size_t count)
    {
        for (std::size_t index = 0; index < count; ++index) {
            links.push_back(make_link(*on, at(peer.where()), quick(),
                                      {.state_changed = {}, .connected = [this](stream got) {
                                           near.push_back(std::move(got));
                                       }}));
            links.back().start();
            REQUIRE(on.until([&] { return near.size() > index && peer.streams.size() > index; }));
        }
    }

    /// True if a byte from one end arrives at the other within the time.
    bool carries(std::size_t index)
    {
        std::array<std::byte, 1> byte{};
        outcome sent;
        outcome got;
        if (!peer.streams[index].receive(byte, store_in(got)) ||
            !near[index].send(byte, store_in(sent)))
            return false;
        return on.until([&] { return sent.has_value() && got.has_value(); }) &&
               sent->value_or(0) == 1 && got->value_or(0) == 1;
    }

    rig on;
    server peer{*on};
    std::vector<stream> near;
    std::vector<link> links;
};

/// The first connection's near end, in use on another thread.
struct lent {
    explicit lent(connections& from)
        : core(reference<stream_core>::to(*from.near[0].core())), handle(core->native_handle())
    {
        core->lend_descriptor(&user);
    }

    busy_user user;
    reference<stream_core> core;
    std::intptr_t handle;
};

} // namespace

TEST_CASE("a stream in use on another thread is over at once and closed when it is returned")
{
    connections pairs(2);
    lent use(pairs);
    std::array<std::byte, 8> buffer{};
    outcome got;
    outcome end;
    REQUIRE(pairs.near[0].receive(buffer, store_in(got)).has_value());
    REQUIRE(pairs.peer.streams[0].receive(buffer, store_in(end)).has_value());
    pairs.near[0].close();
    REQUIRE(pairs.on.until([&] { return got.has_value(); }));
    CHECK(got->error() == errc::cancelled);
    CHECK(use.user.releases == 1);
    CHECK(use.core->native_handle() == -1);
    CHECK(use.core->receive(buffer, {}).error() == errc::invalid_state);

    // The observer was told: the link connects again, and the number is not free for that.
    REQUIRE(pairs.on.until([&] { return pairs.near.size() == 3; }));
    CHECK(pairs.near[2].native_handle() != use.handle);
    CHECK(pairs.carries(1));
    CHECK_FALSE(end.has_value());

    use.core->descriptor_returned();
    REQUIRE(pairs.on.until([&] { return end.has_value(); }));
    CHECK(end->value_or(1) == 0);
    CHECK(use.user.waits == 0);
}

TEST_CASE("a descriptor that is returned twice closes no other socket")
{
    connections pairs(2);
    lent use(pairs);
    pairs.near[0].close();
    use.core->descriptor_returned();
    REQUIRE(pairs.on.until([&] { return pairs.near.size() == 3; }));
    REQUIRE(pairs.on.until([&] { return pairs.peer.streams.size() == 3; }));
    use.core->descriptor_returned();
    CHECK(pairs.carries(1));
    CHECK(pairs.carries(2));
}

TEST_CASE("a send that is under way when a stream in use ends is cancelled")
{
    connections pairs(1);
    lent use(pairs);
    const std::vector<std::byte> bytes(64u << 20);
    outcome sent;
    REQUIRE(pairs.near[0].send(bytes, store_in(sent)).has_value());
    pairs.near[0].close();
    REQUIRE(pairs.on.until([&] { return sent.has_value(); }));
    CHECK(sent->error() == errc::cancelled);
    use.core->descriptor_returned();
}

TEST_CASE("a drain that ends while the descriptor is in use is reported and closes later")
{
    connections pairs(1);
    lent use(pairs);
    std::optional<error> drained;
    REQUIRE(
        pairs.near[0].close_after_drain(1ms, [&](error reason) { drained = reason; }).has_value());
    REQUIRE(pairs.on.until([&] { return drained.has_value(); }));
    CHECK(*drained == errc::timed_out);
    CHECK(use.user.releases == 1);
    use.core->descriptor_returned();
    CHECK(use.user.waits == 0);
}

TEST_CASE("a reset that was put off is still a reset")
{
    connections pairs(1);
    lent use(pairs);
    std::array<std::byte, 8> buffer{};
    outcome end;
    REQUIRE(pairs.peer.streams[0].receive(buffer, store_in(end)).has_value());
    pairs.near[0].reset();
    pairs.on.pass(5ms);
    CHECK_FALSE(end.has_value());
    use.core->descriptor_returned();
    REQUIRE(pairs.on.until([&] { return end.has_value(); }));
    CHECK(end->error() == errc::connection_reset);
}

TEST_CASE("a user cannot withdraw from a close that waits for it")
{
    connections pairs(1);
    lent use(pairs);
    std::array<std::byte, 8> buffer{};
    outcome end;
    REQUIRE(pairs.peer.streams[0].receive(buffer, store_in(end)).has_value());
    pairs.near[0].close();
    use.core->lend_descriptor(nullptr);
    pairs.on.pass(5ms);
    CHECK_FALSE(end.has_value());
    SUBCASE("it returns the descriptor")
    {
        use.core->descriptor_returned();
        CHECK(pairs.on.until([&] { return end.has_value(); }));
        CHECK(use.user.waits == 0);
    }
    SUBCASE("the loop ends")
    {
        pairs.on.end();
        CHECK(use.user.waits == 1);
    }
}

TEST_CASE("a user that has withdrawn is not asked")
{
    connections pairs(1);
    lent use(pairs);
    use.core->lend_descriptor(nullptr);
    pairs.near[0].close();
    CHECK(use.user.releases == 0);
    use.core->descriptor_returned();
    CHECK(pairs.on.until([&] { return pairs.near.size() == 2; }));
}

TEST_CASE("a loop that ends waits for the user of a descriptor")
{
    connections pairs(2);
    lent use(pairs);
    std::array<std::byte, 8> buffer{};
    outcome got;
    REQUIRE(pairs.near[0].receive(buffer, store_in(got)).has_value());
    SUBCASE("while a close is put off")
    {
        pairs.near[0].close();
    }
    SUBCASE("that was open until then") {}
    pairs.on.end();
    REQUIRE(got.has_value());
    // The same loop closes the other end, whose end of stream may come first.
    if (!got->has_value())
        CHECK(got->error() == errc::cancelled);
    CHECK(use.user.releases == 1);
    CHECK(use.user.waits == 1);
    use.core->descriptor_returned();
}

TEST_CASE("the handle of a stream in use may be destroyed on another thread")
{
    connections pairs(1);
    lent use(pairs);
    REQUIRE((*pairs.on).start_thread().has_value());
    pairs.near[0] = {};
    pairs.on->stop();
    pairs.on.pass(1ms);
    CHECK(use.user.releases == 1);
    use.core->descriptor_returned();
    CHECK(pairs.on.until([&] { return pairs.near.size() == 2; }));
}

} // namespace slk::link_tests
