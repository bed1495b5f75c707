// SPDX-License-Identifier: MPL-2.0

// Receiving into a lane: the window, large bodies, chunks, and the end of a connection.

#include "lane/allocations.hpp"
#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/lane_messages.hpp"
#include "support/sanitized.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;
using messaging::lane_wire_in;

namespace {

/// Does with the bytes that arrive what a connection does.
class fake_connection {
public:
    fake_connection() : in_(at_.lane, *shared_) {}

    /// At most `max` bytes arrive at a time. Returns false if there was no memory.
    [[nodiscard]] bool take_in(std::string_view stream, std::size_t max)
    {
        while (!stream.empty()) {
            const std::span<std::byte> space = in_.space(need_);
            if (space.empty())
                return false;
            REQUIRE((in_.receives_body() || space.size() >= need_));
            const std::size_t count = std::min({stream.size(), space.size(), max});
            std::memcpy(space.data(), stream.data(), count);
            stream.remove_prefix(count);
            in_.received(count);
            need_ = 0;
            if (!process_window())
                return false;
        }
        return true;
    }
    /// The next message that was published, or no parts.
    [[nodiscard]] parts next()
    {
        auto found = testing::receive(at_.lane);
        return found ? std::move(*found) : parts{};
    }
    [[nodiscard]] lane::lane& lane() noexcept { return at_.lane; }
    [[nodiscard]] lane_wire_in& in() noexcept { return in_; }

private:
    [[nodiscard]] bool process_window()
    {
        const zmtp::frame_limits limits{};
        if (in_.receives_body()) {
            left_ -= in_.body_progress();
            if (left_ > 0)
                return true;
            end_body();
        }
        for (;;) {
            (void)in_.take(zmtp::scan_messages(in_.window(), limits, begun_));
            const zmtp::header_view seen = zmtp::read_header(in_.window(), limits);
            need_ = seen.need;
            if (seen.need > 0)
                return true;
            const std::size_t whole = seen.frame.header + static_cast<std::size_t>(seen.frame.size);
            if (!seen.frame.command && seen.frame.size >= messaging::large_body) {
                const std::size_t here = in_.window().size() - seen.frame.header;
                if (!in_.begin_body(seen.frame.header, seen.frame.size))
                    return false;
                REQUIRE(in_.window().empty());
                left_ = seen.frame.size - here;
                more_ = seen.frame.more;
                return true;
            }
            if (in_.window().size() < whole) {
                need_ = whole - in_.window().size();
                return true;
            }
            REQUIRE(seen.frame.command);
            in_.drop(whole);
        }
    }
    void end_body()
    {
        REQUIRE(in_.end_body());
        if (!more_)
            (void)in_.publish_body();
    }

    open_lane at_;
    reference<messaging::pipe_lanes> shared_ = messaging::pipe_lanes::create(at_.pools, false);
    lane_wire_in in_;
    zmtp::message_progress begun_;
    std::size_t need_ = 0;
    std::uint64_t left_ = 0;
    bool more_ = false;
};

void check_arrives(const std::vector<parts>& messages, std::size_t max)
{
    CAPTURE(max);
    fake_connection by;
    REQUIRE(by.take_in(wire_of(messages), max));
    for (const parts& each : messages)
        REQUIRE((by.next() == each));
    REQUIRE(by.next().empty());
}

const std::string ping = std::string("\x04\x07\x04PING\0\0", 9);

} // namespace

TEST_CASE("messages arrive in pieces of any size")
{
    const std::vector<parts> messages{
        {"a"}, {""}, {"b", "", "c"}, {text_of_size(300)}, {text_of_size(8191), "d"}, {"e"}};
    for (const std::size_t max : {1u, 2u, 3u, 7u, 64u, 255u, 256u, 1000u, 100'000u})
        check_arrives(messages, max);
}

TEST_CASE("large bodies arrive in memory of their own, in pieces of any size")
{
    const std::vector<parts> messages{{text_of_size(8192)},
                                      {"a", text_of_size(100'000), "b"},
                                      {text_of_size(9000), text_of_size(70'000)},
                                      {"c"}};
    for (const std::size_t max : {1u, 10u, 100u, 1000u, 65'536u, 1'000'000u})
        check_arrives(messages, max);
}

TEST_CASE("the memory of a body grows with the bytes that arrive, not with the announced size")
{
    const std::vector<parts> messages{{text_of_size(5'000'000)}, {"behind"}};
    for (const std::size_t max : {50'000u, 10'000'000u})
        check_arrives(messages, max);

    fake_connection by;
    const std::string announced("\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
    REQUIRE(by.take_in(announced + "first bytes", 1000));
    CHECK(by.in().receives_body());
    const std::size_t room = by.in().space(0).size();
    CHECK(room > 100'000);
    CHECK(room <= 1 << 20);
}

TEST_CASE("a message has more large bodies than a chunk has room for")
{
    std::vector<parts> messages{parts(100, text_of_size(10'000)), {"end"}};
    messages[0].insert(messages[0].begin() + 33, "small");
    for (const std::size_t max : {5000u, 9999u, 200'000u})
        check_arrives(messages, max);
}

TEST_CASE("random messages arrive in random pieces")
{
    std::mt19937 random(5);
    for (int round = 0; round < repeats_of_one_thread(200); ++round) {
        std::vector<parts> messages;
        for (std::size_t count = 1 + random() % 50; count > 0; --count)
            messages.push_back(random_parts(random, 100'000));
        check_arrives(messages, 1 + random() % (round % 2 == 0 ? 200 : 200'000));
    }
}

TEST_CASE("commands between the frames of a message are not in the lane")
{
    const std::string stream = ping + frame_of("a", true) + ping + ping + frame_of("b", true) +
                               frame_of(text_of_size(9000), true) + ping + frame_of("", false) +
                               ping + frame_of("next", false);
    for (const std::size_t max : {1u, 2u, 11u, 1000u, 100'000u}) {
        CAPTURE(max);
        fake_connection by;
        REQUIRE(by.take_in(stream, max));
        CHECK((by.next() == parts{"a", "b", text_of_size(9000), ""}));
        CHECK((by.next() == parts{"next"}));
        CHECK(by.next().empty());
    }
}

TEST_CASE("no part of a message can be read before all of it has arrived")
{
    const std::string stream = wire_of({"a", text_of_size(20'000), text_of_size(5000), "d"});
    fake_connection by;
    for (std::size_t at = 0; at < stream.size(); at += 100) {
        REQUIRE(
            by.take_in(stream.substr(at, std::min<std::size_t>(100, stream.size() - 1 - at)), 100));
        REQUIRE_FALSE(by.lane().readable());
    }
    REQUIRE(by.take_in(stream.substr(stream.size() - 1), 1));
    CHECK(by.next().size() == 4);
}

TEST_CASE("after a connection that ends at any byte, the next one begins with a new message")
{
    const std::vector<parts> messages{{"a"},
                                      {"b", text_of_size(8192, 1), "c"},
                                      {text_of_size(9000, 2)},
                                      {text_of_size(700), "d"}};
    const std::string wire = wire_of(messages);
    for (std::size_t bytes = 0; bytes <= wire.size(); bytes += 1 + (bytes % 600 > 30) * 23) {
        CAPTURE(bytes);
        std::vector<parts> expected;
        for (std::size_t end = 0; const parts& each : messages) {
            end += wire_of(each).size();
            if (end <= bytes)
                expected.push_back(each);
        }
        fake_connection by;
        REQUIRE(by.take_in(wire.substr(0, bytes), 1000));
        (void)by.in().end_connection();
        CHECK(by.in().window().empty());
        CHECK_FALSE(by.in().receives_body());
        for (const parts& each : expected)
            REQUIRE((by.next() == each));
        REQUIRE_FALSE(by.lane().readable());
        for (const parts& each : messages) {
            const std::string frame = wire_of(each);
            const std::span<std::byte> space = by.in().space(frame.size());
            REQUIRE(space.size() >= frame.size());
            std::memcpy(space.data(), frame.data(), frame.size());
            by.in().received(frame.size());
            (void)by.in().take({frame.size(), 1, 1, frame.size()});
            REQUIRE((by.next() == each));
        }
    }
}

TEST_CASE("bytes of the window that were not taken are moved to the next chunk")
{
    fake_connection by;
    std::vector<parts> sent;
    std::string stream;
    for (unsigned index = 0; index < 400; ++index) {
        sent.push_back({text_of_size(1000 + index * 17 % 6000, index)});
        stream += wire_of(sent.back());
    }
    REQUIRE(by.take_in(stream, 1'000'000));
    for (const parts& each : sent)
        REQUIRE((by.next() == each));
}

TEST_CASE("a receive has the rest of the chunk, and a large chunk follows one that was filled")
{
    open_lane at;
    const auto shared = messaging::pipe_lanes::create(at.pools, false);
    lane_wire_in in(at.lane, *shared);
    const std::size_t first = in.space(0).size();
    CHECK(first >= 128);
    CHECK(first < lane::small_block);
    CHECK(in.space(5000).size() >= 5000);
    in.received(0);
    CHECK(in.space(lane::lane::max_reserve).size() >= lane::lane::max_reserve);
    CHECK(in.space(lane::lane::max_reserve + 1).empty());

    // A small chunk follows one that was not filled.
    for (const bool filled : {false, true}) {
        open_lane other;
        lane_wire_in into(other.lane, *shared);
        const std::size_t room = into.space(0).size();
        const std::size_t bytes = filled ? room : room - 1;
        into.received(bytes);
        (void)into.take({bytes, 1, 1, bytes});
        CHECK((into.space(0).size() > lane::small_block) == filled);
    }
}

TEST_CASE("without memory nothing is received, and the lane keeps what was published")
{
    {
        fake_connection by;
        REQUIRE(by.take_in(frame_of("first", false) + frame_of("open", true), 1000));
        const scarce_memory none(0);
        CHECK_FALSE(by.take_in(frame_of(text_of_size(5000), false), 10'000));
        CHECK((by.next() == parts{"first"}));
    }
    // The chunk has no room for another body, and there is no memory for another chunk.
    fake_connection by;
    REQUIRE(by.take_in(frame_of(text_of_size(messaging::large_body), true), 400));
    {
        const scarce_memory none(0);
        CHECK_FALSE(by.take_in(frame_of(text_of_size(messaging::large_body), true), 500));
    }
    (void)by.in().end_connection();
    CHECK_FALSE(by.lane().readable());
}

TEST_CASE("small messages are received without an allocation")
{
    fake_connection by;
    std::string stream;
    for (int index = 0; index < 100; ++index)
        stream += frame_of(text_of_size(40), false);
    std::uint64_t before = 0;
    for (const bool warm : {false, true}) {
        if (warm)
            before = allocations();
        for (std::size_t bytes = 0; bytes < 4 * lane::large_block; bytes += stream.size()) {
            (void)by.take_in(stream, 1000);
            message part;
            while (part.clear(), messaging::read_part(by.lane(), part))
                (void)by.lane().consume(1, true);
        }
    }
    CHECK(allocations() == before);
}
