// SPDX-License-Identifier: MPL-2.0

// write_part and read_part: a lane holds the bytes that go on the wire.

#include "lane/allocations.hpp"
#include "messaging/lane_messages.hpp"

using namespace slk;
using namespace slk::testing;
using messaging::read_part;
using messaging::write_part;

namespace {

const std::vector<std::size_t> sizes{0,    1,    63,   64,     65,     254,    255,      256,
                                     1000, 8191, 8192, 65'535, 65'536, 80'000, 1'048'576};

/// A large body without an owner is copied once.
message_detail::shared_memory* no_owner = nullptr;

} // namespace

TEST_CASE("a part of any size is read as it was written, and is encoded as on the wire")
{
    for (const std::size_t size : sizes)
        for (const bool more : {false, true}) {
            INFO(size);
            const std::string body = text_of_size(size);
            open_lane wire, read;
            for (open_lane* const each : {&wire, &read}) {
                REQUIRE(write_part(each->lane, bytes_of(body), no_owner, more));
                (void)each->lane.publish(1);
            }
            CHECK((take(wire.lane) == frame_of(body, more)));
            message part;
            REQUIRE(read_part(read.lane, part));
            CHECK(part.size() == size);
            CHECK((part.text() == body));
            CHECK(part.more() == more);
            part.clear();
            CHECK_FALSE(read_part(read.lane, part));
        }
}

TEST_CASE("random messages are read in order, and their parts may be kept")
{
    std::mt19937 random(1);
    open_lane at;
    std::vector<std::pair<message, std::string>> kept;
    for (int round = 0; round < 300; ++round) {
        std::vector<parts> sent;
        for (std::size_t count = random() % 20; count > 0; --count) {
            sent.push_back(random_parts(random));
            send(at.lane, sent.back());
        }
        for (const parts& each : sent)
            for (std::size_t index = 0; index < each.size(); ++index) {
                message part;
                REQUIRE(read_part(at.lane, part));
                REQUIRE((part.text() == each[index]));
                REQUIRE(part.more() == (index + 1 < each.size()));
                if (random() % 50 == 0)
                    kept.emplace_back(std::move(part), each[index]);
            }
        message none;
        REQUIRE_FALSE(read_part(at.lane, none));
        if (kept.size() > 50)
            kept.erase(kept.begin(), kept.begin() + 25);
        for (const auto& [part, text] : kept)
            REQUIRE((part.text() == text));
    }
}

TEST_CASE("a large body that has an owner is not copied, and is released after the last use")
{
    lent_memory lent(text_of_size(messaging::worth_sharing));
    open_lane at;
    {
        const message body = lent.lend();
        REQUIRE(write_part(at.lane, body.bytes(), message_detail::access::owner_of(body), true));
        REQUIRE(write_part(at.lane, body.bytes(), message_detail::access::owner_of(body), false));
    }
    (void)at.lane.publish(1);
    CHECK(lent.released() == 0);
    message first, second;
    REQUIRE(read_part(at.lane, first));
    REQUIRE(read_part(at.lane, second));
    CHECK(static_cast<const void*>(first.data()) == lent.text().data());
    CHECK(static_cast<const void*>(second.data()) == lent.text().data());
    CHECK(first.writable().empty());
    first.clear();
    CHECK(lent.released() == 0);
    second.clear();
    CHECK(lent.is_back());
}

TEST_CASE("a smaller body is copied, and its owner is released at once")
{
    lent_memory lent(text_of_size(messaging::worth_sharing - 1));
    open_lane at;
    {
        const message body = lent.lend();
        REQUIRE(write_part(at.lane, body.bytes(), message_detail::access::owner_of(body), false));
    }
    CHECK(lent.is_back());
    (void)at.lane.publish(1);
    message part;
    REQUIRE(read_part(at.lane, part));
    CHECK((part.text() == lent.text()));
    CHECK(part.writable().empty());
}

TEST_CASE("a part for which there is no memory is not written, and earlier messages stay")
{
    open_lane at;
    const std::string body(5000, 'b');
    lent_memory lent(text_of_size(10'000));
    send(at.lane, {"before"});
    REQUIRE(write_part(at.lane, bytes_of("first"), no_owner, true));
    {
        const message large = lent.lend();
        while (at.lane.can_splice())
            REQUIRE(
                write_part(at.lane, large.bytes(), message_detail::access::owner_of(large), true));
        const scarce_memory none(0);
        CHECK_FALSE(write_part(at.lane, bytes_of(body), no_owner, false));
        CHECK_FALSE(
            write_part(at.lane, large.bytes(), message_detail::access::owner_of(large), false));
    }
    CHECK(lent.released() == 0);
    at.lane.discard_unpublished();
    CHECK(lent.is_back());
    send(at.lane, {body, "after"});
    CHECK(receive(at.lane) == parts{"before"});
    CHECK((receive(at.lane) == parts{body, "after"}));
    CHECK_FALSE(receive(at.lane));
}

TEST_CASE("a received part keeps its chunk alive, even after the lane has ended")
{
    message kept, small;
    const std::string body = text_of_size(300);
    {
        open_lane at;
        send(at.lane, {body});
        send(at.lane, {"small"});
        REQUIRE(read_part(at.lane, kept));
        REQUIRE(read_part(at.lane, small));
        for (int index = 0; index < 300; ++index)
            send(at.lane, {std::string(1000, 'x')});
        while (receive(at.lane)) {
        }
    }
    CHECK((kept.text() == body));
    CHECK(small.text() == "small");
}

TEST_CASE("small messages are written and read without an allocation")
{
    constexpr std::size_t total = 4 * lane::large_block;
    for (const std::size_t waiting : {1u, 10u})
        for (const std::size_t size : {0u, 10u, 64u, 65u, 500u, 8000u}) {
            open_lane at;
            const std::string body = text_of_size(size);
            std::uint64_t before = 0;
            for (const bool warm : {false, true}) {
                if (warm)
                    before = allocations();
                for (std::size_t bytes = 0; bytes < total; bytes += waiting * (2 + size)) {
                    for (std::size_t index = 0; index < waiting; ++index) {
                        (void)write_part(at.lane, bytes_of(body), no_owner, false);
                        (void)at.lane.publish(1);
                    }
                    for (std::size_t index = 0; index < waiting; ++index) {
                        message part;
                        (void)read_part(at.lane, part);
                        (void)at.lane.consume(1, true);
                    }
                }
            }
            CHECK(allocations() == before);
        }
}
