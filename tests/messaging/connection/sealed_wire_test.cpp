// SPDX-License-Identifier: MPL-2.0

// Messages through boxes: from a lane to a lane, however the bytes are cut, and what a changed byte
// or a lost connection does.

#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/connection/lane_wire_out.hpp"
#include "messaging/connection/sealed_wire.hpp"
#include "messaging/lane_messages.hpp"
#include "messaging/pipe/pipe.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "zmtp/curve_rig.hpp"
#include "zmtp/session.hpp"

#include <algorithm>
#include <memory>
#include <optional>

using namespace slk;
using namespace slk::testing;

namespace {

zmtp::session_options options_of_pull()
{
    zmtp::session_options options;
    options.metadata.type = zmtp::socket_type::pull;
    options.large_body = messaging::large_body;
    return options;
}

/// A client that sends and a server that receives, after their handshake.
class sealed_pair {
public:
    sealed_pair()
    {
        if (!has_curve())
            return;
        REQUIRE(keys_.emplace(rig_).run(3, {}));
        out.begin_connection();
        out.seal_with(keys_->client.get());
        REQUIRE(in.open_with(keys_->server.get()));
    }

    /// Moves what there is, at most `max` bytes at a time. `change`: the byte of the stream that is
    /// changed.
    void move(std::mt19937& random, std::size_t max, std::size_t change = SIZE_MAX)
    {
        for (;;) {
            std::vector<messaging::wire_out::piece> pieces;
            const std::size_t offered = out.gather(pieces);
            if (offered == 0 || in.failure())
                return;
            std::string run;
            for (const auto& each : pieces)
                run.append(reinterpret_cast<const char*>(each.data()), each.size());
            REQUIRE(run.size() == offered);
            CHECK(out.inside_frame());
            const std::size_t taken = std::min<std::size_t>(offered, 1 + random() % max);
            run.resize(taken);
            if (change >= moved_ && change < moved_ + taken)
                run[change - moved_] = static_cast<char>(run[change - moved_] ^ 1);
            moved_ += taken;
            sent_messages += out.taken(taken, false).messages;
            take_in(run, random, max);
        }
    }

    /// The next message that arrived, or no parts.
    [[nodiscard]] parts next()
    {
        auto found = receive(to_.lane);
        return found ? std::move(*found) : parts{};
    }
    [[nodiscard]] lane::lane& from() noexcept { return from_.lane; }
    [[nodiscard]] std::size_t moved() const noexcept { return moved_; }

    /// As the next connection with new keys.
    void reconnect()
    {
        out.end_connection();
        (void)in.end_connection();
        REQUIRE(keys_.emplace(rig_).run(3, {}));
        out.begin_connection();
        out.seal_with(keys_->client.get());
        REQUIRE(in.open_with(keys_->server.get()));
        begun_ = {};
    }

private:
    void take_in(std::string_view run, std::mt19937& random, std::size_t max)
    {
        while (!run.empty() && !in.failure()) {
            const std::span<std::byte> space = in.space(0);
            REQUIRE_FALSE(space.empty());
            const std::size_t count =
                std::min({run.size(), space.size(), std::size_t{1} + random() % max});
            std::memcpy(space.data(), run.data(), count);
            run.remove_prefix(count);
            in.received(count);
            process();
        }
    }
    /// As a connection and its session do.
    void process()
    {
        for (;;) {
            const auto found = zmtp::scan_messages(in.window(), {}, begun_);
            if (found.size > 0) {
                (void)in.take(found);
                continue;
            }
            const zmtp::header_view seen = zmtp::read_header(in.window(), {});
            if (seen.need > 0)
                return;
            REQUIRE(seen.frame.size >= messaging::large_body);
            std::size_t left = static_cast<std::size_t>(seen.frame.size) -
                               (in.window().size() - seen.frame.header);
            REQUIRE(in.begin_body(seen.frame.header, seen.frame.size));
            left -= in.body_progress();
            REQUIRE(left == 0);
            begun_.add(seen.frame.size, seen.frame.more);
            REQUIRE(in.end_body());
            if (!seen.frame.more)
                (void)in.publish_body();
        }
    }

    const curve_rig rig_;
    std::optional<curve_pair> keys_;
    open_lane from_, to_;
    reference<messaging::pipe_lanes> shared_ = messaging::pipe_lanes::create(to_.pools, false);
    const zmtp::session_options options_ = options_of_pull();
    zmtp::message_progress begun_;
    std::size_t moved_ = 0;

public:
    std::uint64_t sent_messages = 0;
    messaging::sealed_wire_out out{std::make_unique<messaging::lane_wire_out>(from_.lane)};
    messaging::sealed_wire_in in{std::make_unique<messaging::lane_wire_in>(to_.lane, *shared_),
                                 options_};
};

} // namespace

TEST_CASE("messages through boxes arrive whole and in order, however the bytes are cut")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    for (const std::size_t max : {1UL, 7UL, 100UL, 5000UL, 1'000'000UL}) {
        CAPTURE(max);
        std::mt19937 random(static_cast<unsigned>(max));
        sealed_pair by;
        const std::size_t rounds = max < 50 ? 3 : 40;
        for (std::size_t round = 0; round < rounds; ++round) {
            std::vector<parts> messages;
            for (auto count = random() % 20; count > 0; --count)
                messages.push_back(random_parts(random, max < 50 ? 300 : 150'000));
            for (const parts& each : messages)
                send(by.from(), each);
            by.move(random, max);
            REQUIRE_FALSE(by.in.failure());
            for (const parts& each : messages)
                REQUIRE((by.next() == each));
            REQUIRE(by.next().empty());
        }
        CHECK(by.sent_messages == by.from().consumed());
        CHECK(by.sent_messages == by.from().produced());
        CHECK_FALSE(by.out.inside_message());
    }
}

TEST_CASE("a byte that is changed among boxes ends the connection, and nothing of its box arrives")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    for (std::size_t change = 0; change < 200; ++change) {
        std::mt19937 random(static_cast<unsigned>(change));
        sealed_pair by;
        send(by.from(), {"first"});
        send(by.from(), {"second", text_of_size(100)});
        by.move(random, 40, change);
        const bool in_first = change < zmtp::sealed_frame_size(5);
        CAPTURE(change);
        CHECK(by.in.failure().code != errc::ok);
        if (!in_first)
            CHECK((by.next() == parts{"first"}));
        CHECK(by.next().empty());
    }
}

TEST_CASE("nothing is sealed before there are keys")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_rig rig;
    curve_pair keys(rig);
    REQUIRE(keys.run(1, {}));
    sealed_pair by;
    by.out.seal_with(keys.client.get());
    send(by.from(), {"first"});
    std::vector<messaging::wire_out::piece> pieces;
    CHECK(by.out.gather(pieces) == 0);
    CHECK(pieces.empty());
    CHECK(by.out.why_torn() == errc::invalid_state);
}

TEST_CASE("what a lost connection had in boxes is sealed again for the next one")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    sealed_pair by;
    send(by.from(), {"first"});
    send(by.from(), {"second"});
    std::vector<messaging::wire_out::piece> pieces;
    const std::size_t offered = by.out.gather(pieces);
    // The system takes the first box and a part of the second one.
    CHECK(by.out.taken(offered - 3, false).messages == 1);
    CHECK(by.out.inside_message());
    by.reconnect();
    CHECK_FALSE(by.out.inside_message());
    std::mt19937 random(1);
    by.move(random, 1000);
    CHECK((by.next() == parts{"second"}));
    CHECK(by.next().empty());
}

namespace {

struct memory_waiter final : memory_user {
    void on_memory() noexcept override { ++calls; }
    void end_for_memory() noexcept override {}
    void retain_user() noexcept override {}
    void release_user() noexcept override {}

    int calls = 0;
};

} // namespace

TEST_CASE("a large box counts in the budget of memory while it arrives, and waits for it")
{
    if (!has_curve())
        return;
    constexpr std::size_t limit = 1'000'000, size = 3'000'000;
    const auto budget = std::make_shared<memory_budget>(limit);
    lane::chunk_pools pools(budget);
    lane::lane to;
    REQUIRE(to.open(pools));
    const auto shared = messaging::pipe_lanes::create(pools, false);
    const zmtp::session_options options = options_of_pull();
    const curve_rig rig;
    curve_pair keys(rig);
    REQUIRE(keys.run(3, {}));
    std::vector<std::byte> frame(zmtp::sealed_frame_size(size));
    keys.client->end_frame(keys.client->begin_frame(frame.data(), false, false, size), size);

    memory_waiter user, other_user;
    messaging::sealed_wire_in in(std::make_unique<messaging::lane_wire_in>(to, *shared), options);
    in.set_memory_user(user);
    REQUIRE(in.open_with(keys.server.get()));
    std::size_t fed = 0;
    const auto feed = [&](std::size_t up_to) {
        while (fed < up_to) {
            const std::span<std::byte> space = in.space(0);
            if (space.empty())
                return;
            const std::size_t part = std::min(space.size(), frame.size() - fed);
            std::memcpy(space.data(), frame.data() + fed, part);
            fed += part;
            in.received(part);
        }
    };
    feed(500'000);
    CHECK(budget->used() >= 500'000);
    CHECK_FALSE(in.waits_for_memory());
    // Another message began before, and the budget is used up.
    in.withdraw_claim();
    memory_claim other;
    other.set_user(other_user);
    CHECK(budget->may_grow(other, limit));
    (void)budget->add(limit);
    feed(frame.size());
    CHECK(in.waits_for_memory());
    CHECK(fed < frame.size());
    budget->remove(limit);
    budget->withdraw(other);
    CHECK(user.calls > 0);
    feed(frame.size());
    CHECK(fed == frame.size());
    CHECK(budget->used() >= size);
    (void)in.end_connection();
    CHECK(budget->used() == 0);
}

TEST_CASE("what is sealed counts in the budget of memory until it was taken")
{
    if (!has_curve())
        return;
    const auto budget = std::make_shared<memory_budget>(0);
    open_lane from;
    const curve_rig rig;
    curve_pair keys(rig);
    REQUIRE(keys.run(3, {}));
    messaging::sealed_wire_out out(std::make_unique<messaging::lane_wire_out>(from.lane), budget);
    out.begin_connection();
    out.seal_with(keys.client.get());
    send(from.lane, {std::string(500'000, 'x')});
    std::vector<messaging::wire_out::piece> pieces;
    const std::size_t bytes = out.gather(pieces);
    CHECK(bytes > 500'000);
    CHECK(budget->used() >= bytes);
    CHECK(out.taken(bytes, false).messages == 1);
    pieces.clear();
    CHECK(out.gather(pieces) == 0);
    CHECK(budget->used() == 0);
}
