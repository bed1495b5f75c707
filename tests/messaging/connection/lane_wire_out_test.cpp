// SPDX-License-Identifier: MPL-2.0

// What a connection offers to the system, what stays in the lane until the system has taken it, and
// what the next connection sends again.

#include "messaging/connection/lane_wire_out.hpp"
#include "messaging/lane_messages.hpp"
#include "support/sanitized.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;
using messaging::lane_wire_out;

namespace {

/// The ends of the frames and of the messages of a stream, in bytes.
struct borders {
    explicit borders(const std::vector<parts>& messages)
    {
        std::size_t at = 0;
        for (const parts& each : messages) {
            for (std::size_t index = 0; index < each.size(); ++index) {
                at += frame_of(each[index], false).size();
                frames.push_back(at);
            }
            whole.push_back(at);
        }
    }
    /// Messages that end at that byte or before.
    [[nodiscard]] std::size_t messages_until(std::size_t bytes) const
    {
        return static_cast<std::size_t>(std::ranges::upper_bound(whole, bytes) - whole.begin());
    }
    [[nodiscard]] std::size_t begin_of(std::size_t message) const
    {
        return message == 0 ? 0 : whole[message - 1];
    }
    [[nodiscard]] bool is_inside_frame(std::size_t bytes) const
    {
        return bytes > 0 && !std::ranges::binary_search(frames, bytes);
    }

    std::vector<std::size_t> frames;
    std::vector<std::size_t> whole;
};

struct offer {
    std::size_t bytes = 0;
    std::string first; ///< the first bytes of it
};

offer gather(lane_wire_out& from, std::size_t max = SIZE_MAX)
{
    std::vector<lane_wire_out::piece> pieces;
    offer all;
    all.bytes = from.gather(pieces);
    std::size_t bytes = 0;
    for (const lane_wire_out::piece& each : pieces) {
        all.first += text_of(each.first(std::min(each.size(), max - all.first.size())));
        bytes += each.size();
    }
    REQUIRE(all.bytes == bytes);
    return all;
}

/// All that is left; each offer is taken whole.
std::string drain(lane_wire_out& from, std::uint64_t& messages)
{
    std::string all;
    for (;;) {
        const offer next = gather(from);
        if (next.bytes == 0)
            return all;
        all += next.first;
        messages += from.taken(next.bytes, false).messages;
    }
}

/// A connection takes this number of bytes, in steps, and breaks. The next one takes the rest.
void check_broken_after(const std::vector<parts>& messages, const std::string& wire,
                        const borders& at, std::size_t bytes, std::size_t step)
{
    CAPTURE(bytes);
    CAPTURE(step);
    open_lane from;
    lane_wire_out out(from.lane);
    for (const parts& each : messages)
        send(from.lane, each);
    std::size_t done = 0;
    std::uint64_t counted = 0;
    while (done < bytes) {
        const std::size_t wanted = std::min(step, bytes - done);
        const offer next = gather(out, wanted);
        REQUIRE(next.bytes > 0);
        REQUIRE((wire.compare(done, next.first.size(), next.first) == 0));
        const std::size_t part = std::min(wanted, next.bytes);
        counted += out.taken(part, false).messages;
        done += part;
        REQUIRE(counted == at.messages_until(done));
        REQUIRE(out.inside_frame() == at.is_inside_frame(done));
    }
    out.begin_connection();
    REQUIRE_FALSE(out.inside_frame());
    const std::string again = drain(out, counted);
    REQUIRE((again == wire.substr(at.begin_of(at.messages_until(bytes)))));
    REQUIRE(counted == messages.size());
    REQUIRE(out.must_wait());
}

void check_every_break(const std::vector<parts>& messages)
{
    const std::string wire = wire_of(messages);
    const borders at(messages);
    for (std::size_t bytes = 0; bytes <= wire.size(); ++bytes)
        check_broken_after(messages, wire, at, bytes, wire.size());
    check_broken_after(messages, wire, at, wire.size(), 1);
}

} // namespace

TEST_CASE("after a connection that breaks at any byte, the next one begins with the first message "
          "that was not taken whole")
{
    check_every_break({{"a"}, {""}, {"bc", "", "def"}, {"", ""}, {std::string(300, 'g')}, {"h"}});
}

TEST_CASE("a connection breaks at or near any border of large bodies and other parts")
{
    const std::size_t large = messaging::large_body;
    const std::string wire_a = text_of_size(large, 1), wire_b = text_of_size(large + 100, 2);
    const std::vector<parts> messages{
        {wire_a}, {"x"}, {"y", wire_b, "z"}, {wire_b, wire_a}, {wire_a, ""}, {"", wire_a}, {"e"}};
    const std::string wire = wire_of(messages);
    const borders at(messages);
    // Around every border, and some places between.
    std::vector<std::size_t> breaks{0};
    for (const std::size_t border : at.frames)
        for (std::size_t near = border - 12; near <= border + 12; near += thread_sanitized ? 12
                                                                          : slow_build     ? 3
                                                                                           : 1)
            breaks.push_back(near);
    for (std::size_t between = 0; between < wire.size(); between += thread_sanitized ? 49999
                                                                    : slow_build     ? 9973
                                                                                     : 997)
        breaks.push_back(between);
    for (const std::size_t bytes : breaks)
        for (const std::size_t step : {wire.size(), std::size_t{1000}})
            check_broken_after(messages, wire, at, std::min(bytes, wire.size()), step);
    check_broken_after(messages, wire, at, wire.size(), 1);
}

TEST_CASE("a connection breaks at any byte of messages that fill several chunks")
{
    std::vector<parts> messages;
    for (unsigned index = 0; index < 40; ++index)
        messages.push_back({text_of_size(50, index)});
    check_every_break(messages);
    messages.clear();
    for (unsigned index = 0; index < 6; ++index)
        messages.push_back({"head", text_of_size(400, index), text_of_size(300, index)});
    check_every_break(messages);
}

TEST_CASE("random messages, taken in random steps, are sent and counted once")
{
    std::mt19937 random(3);
    for (int round = 0; round < repeats_of_one_thread(100); ++round) {
        std::vector<parts> messages;
        for (std::size_t count = 1 + random() % 60; count > 0; --count)
            messages.push_back(random_parts(random, 70'000));
        const std::string wire = wire_of(messages);
        const borders at(messages);
        const std::size_t step = std::size_t{1} << (8 + random() % 10);
        check_broken_after(messages, wire, at, random() % (wire.size() + 1), step);
    }
}

TEST_CASE("connections break again and again while messages are written")
{
    std::mt19937 random(4);
    for (int round = 0; round < 30; ++round) {
        open_lane from;
        lane_wire_out out(from.lane);
        std::vector<parts> messages;
        std::size_t done = 0; // messages that were taken whole
        std::string connection; // the bytes that the present connection has taken
        std::size_t began = 0; // the message that it began with
        for (int step = 0; step < 300; ++step) {
            switch (random() % 4) {
            case 0:
                messages.push_back(random_parts(random));
                send(from.lane, messages.back());
                break;
            case 1:
                if (random() % 5 == 0) {
                    out.begin_connection();
                    REQUIRE_FALSE(out.inside_frame());
                    connection.clear();
                    began = done;
                }
                break;
            default: {
                const offer next = gather(out);
                const std::size_t part =
                    random() % 2 == 0 ? next.bytes
                                      : random() % (std::min<std::size_t>(next.bytes, 200) + 1);
                connection += next.first.substr(0, part);
                done += out.taken(part, false).messages;
                if (next.bytes == 0)
                    (void)out.must_wait();
                std::size_t end = 0;
                std::size_t whole = began;
                while (whole < messages.size() &&
                       end + wire_of(messages[whole]).size() <= connection.size())
                    end += wire_of(messages[whole++]).size();
                REQUIRE(done == whole);
            }
            }
        }
        std::uint64_t rest = 0;
        connection += drain(out, rest);
        REQUIRE(done + rest == messages.size());
        REQUIRE((connection ==
                 wire_of(std::vector(messages.begin() + static_cast<std::ptrdiff_t>(began),
                                     messages.end()))));
    }
}

TEST_CASE("a body is kept until its message was taken whole, and is then released once")
{
    lent_memory body(text_of_size(10'000));
    open_lane from;
    lane_wire_out out(from.lane);
    const auto write = [&](bool more) {
        const message lent = body.lend();
        REQUIRE(messaging::write_part(from.lane, lent.bytes(),
                                      message_detail::access::owner_of(lent), more));
    };
    write(true);
    write(true);
    REQUIRE(messaging::write_part(from.lane, bytes_of("end"), nullptr, false));
    write(false);
    (void)from.lane.publish(2);
    const std::size_t frame = 9 + 10'000;
    const std::size_t first = 2 * frame + 5;

    CHECK(gather(out).bytes == first + frame);
    CHECK(out.taken(first - 1, false).messages == 0);
    CHECK(body.released() == 0);
    out.begin_connection();
    CHECK(gather(out).bytes == first + frame);
    CHECK(out.taken(first + 8, false).messages == 1);
    CHECK(body.released() == 2);
    CHECK(gather(out).bytes == frame - 8);
    CHECK(out.taken(frame - 9, false).messages == 0);
    CHECK(body.released() == 2);
    CHECK(gather(out).bytes == 1);
    CHECK(out.taken(1, false).messages == 1);
    CHECK(body.is_back());
}

TEST_CASE("a long lane is offered piece by piece")
{
    open_lane from;
    lane_wire_out out(from.lane);
    std::vector<parts> messages;
    for (unsigned index = 0; index < 100; ++index)
        messages.push_back({text_of_size(20'000, index)});
    for (const parts& each : messages)
        send(from.lane, each);
    const offer all = gather(out);
    CHECK(all.bytes < 1'000'000);
    CHECK((gather(out).first == all.first));
    std::uint64_t counted = 0;
    CHECK((drain(out, counted) == wire_of(messages)));
    CHECK(counted == 100);
    CHECK(gather(out).bytes == 0);
    CHECK(out.taken(0, false).messages == 0);
    CHECK(out.must_wait());
}

TEST_CASE("a writer notifies a connection that waits, which goes on where it was")
{
    open_lane from;
    lane_wire_out out(from.lane);
    std::uint64_t counted = 0;
    std::string all, expected;
    for (unsigned index = 0; index < 200; ++index) {
        const parts next{text_of_size(100, index)};
        expected += wire_of(next);
        REQUIRE(messaging::write_part(from.lane, bytes_of(next[0]), nullptr, false));
        REQUIRE(from.lane.publish(1));
        REQUIRE_FALSE(out.must_wait());
        all += drain(out, counted);
        REQUIRE(counted == index + 1);
        REQUIRE(out.must_wait());
    }
    CHECK((all == expected));
}

TEST_CASE("the first message can be dropped, however much of it was taken, and the rest is intact")
{
    std::mt19937 random(7);
    for (int round = 0; round < repeats_of_one_thread(300); ++round) {
        std::vector<parts> messages;
        for (int number = 0; number < 20; ++number)
            messages.push_back(random_parts(random));
        const std::string wire = wire_of(messages);
        const borders at(messages);
        open_lane from;
        lane_wire_out out(from.lane);
        for (const parts& each : messages)
            send(from.lane, each);
        const std::size_t before = random() % messages.size();
        std::size_t left =
            at.begin_of(before) + random() % (at.whole[before] - at.begin_of(before));
        const bool inside = left > at.begin_of(before);
        while (left > 0) {
            const std::size_t part = std::min(left, gather(out).bytes);
            (void)out.taken(part, false);
            left -= part;
        }
        REQUIRE(out.inside_message() == inside);
        REQUIRE(out.drop_message().messages == 1);
        REQUIRE_FALSE(out.inside_message());
        REQUIRE_FALSE(out.inside_frame());
        std::uint64_t counted = before + 1;
        REQUIRE((drain(out, counted) == wire.substr(at.whole[before])));
        REQUIRE(counted == messages.size());
    }
}
