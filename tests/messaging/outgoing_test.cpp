// SPDX-License-Identifier: MPL-2.0

// What a session offers to the system, what it keeps until that was taken, and what a new
// connection gets again.

#include "lane_messages.hpp"
#include "messaging/outgoing.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;
using messaging::outgoing;

namespace {

/// Where the messages and the frames of a stream end.
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
    /// Messages that end there or before.
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
    std::string first; ///< the first of them
};

offer gather(outgoing& from, std::size_t most = SIZE_MAX)
{
    std::vector<outgoing::piece> pieces;
    offer all;
    all.bytes = from.gather(pieces);
    std::size_t bytes = 0;
    for (const outgoing::piece& each : pieces) {
        all.first += text_of(each.first(std::min(each.size(), most - all.first.size())));
        bytes += each.size();
    }
    REQUIRE(all.bytes == bytes);
    return all;
}

/// All that is left, taken as it is offered.
std::string drain(outgoing& from, std::uint64_t& messages)
{
    std::string all;
    for (;;) {
        const offer next = gather(from);
        if (next.bytes == 0)
            return all;
        all += next.first;
        messages += from.taken(next.bytes);
    }
}

/// Of a connection that takes so many bytes, in steps, and breaks; and the next one.
void check_broken_after(const std::vector<parts>& messages, const std::string& wire,
                        const borders& at, std::size_t bytes, std::size_t step)
{
    CAPTURE(bytes);
    CAPTURE(step);
    open_lane from;
    outgoing out(from.lane);
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
        counted += out.taken(part);
        done += part;
        REQUIRE(counted == at.messages_until(done));
        REQUIRE(out.inside_frame() == at.is_inside_frame(done));
    }
    out.rewind();
    REQUIRE_FALSE(out.inside_frame());
    const std::string again = drain(out, counted);
    REQUIRE((again == wire.substr(at.begin_of(at.messages_until(bytes)))));
    REQUIRE(counted == messages.size());
    REQUIRE(out.sleeps());
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

TEST_CASE("a connection that breaks after any byte gets the first message again that it had not "
          "taken as a whole")
{
    check_every_break({{"a"}, {""}, {"bc", "", "def"}, {"", ""}, {std::string(300, 'g')}, {"h"}});
}

TEST_CASE("the same with large bodies, alone and between other parts")
{
    const std::size_t large = messaging::large_body;
    const std::string wire_a = text_of_size(large, 1), wire_b = text_of_size(large + 100, 2);
    const std::vector<parts> messages{
        {wire_a}, {"x"}, {"y", wire_b, "z"}, {wire_b, wire_a}, {wire_a, ""}, {"", wire_a}, {"e"}};
    const std::string wire = wire_of(messages);
    const borders at(messages);
    // Around every border, and some between.
    std::vector<std::size_t> breaks{0};
    for (const std::size_t border : at.frames)
        for (std::size_t near = border - 12; near <= border + 12; ++near)
            breaks.push_back(near);
    for (std::size_t between = 0; between < wire.size(); between += 997)
        breaks.push_back(between);
    for (const std::size_t bytes : breaks)
        for (const std::size_t step : {wire.size(), std::size_t{1000}})
            check_broken_after(messages, wire, at, std::min(bytes, wire.size()), step);
    check_broken_after(messages, wire, at, wire.size(), 1);
}

TEST_CASE("the same across the borders of chunks")
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

TEST_CASE("whatever the messages and the steps, everything is sent and counted once")
{
    std::mt19937 random(3);
    for (int round = 0; round < 100; ++round) {
        std::vector<parts> messages;
        for (std::size_t count = 1 + random() % 60; count > 0; --count)
            messages.push_back(random_parts(random, 70'000));
        const std::string wire = wire_of(messages);
        const borders at(messages);
        const std::size_t step = std::size_t{1} << (8 + random() % 10);
        check_broken_after(messages, wire, at, random() % (wire.size() + 1), step);
    }
}

TEST_CASE("a connection breaks again and again, while more is written and others read")
{
    std::mt19937 random(4);
    for (int round = 0; round < 30; ++round) {
        open_lane from;
        outgoing out(from.lane);
        std::vector<parts> messages;
        std::size_t done = 0; // messages that were taken as a whole
        std::string connection; // what the present one has been offered and has taken
        std::size_t began = 0; // with this message
        for (int step = 0; step < 300; ++step) {
            switch (random() % 4) {
            case 0:
                messages.push_back(random_parts(random));
                send(from.lane, messages.back());
                break;
            case 1:
                if (random() % 5 == 0) {
                    out.rewind();
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
                done += out.taken(part);
                if (next.bytes == 0)
                    (void)out.sleeps();
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

TEST_CASE("a body is kept until its message has been taken, and is given back then, once")
{
    lent_memory body(text_of_size(10'000));
    open_lane from;
    outgoing out(from.lane);
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
    CHECK(out.taken(first - 1) == 0);
    CHECK(body.released() == 0);
    out.rewind();
    CHECK(gather(out).bytes == first + frame);
    CHECK(out.taken(first + 8) == 1);
    CHECK(body.released() == 2);
    CHECK(gather(out).bytes == frame - 8);
    CHECK(out.taken(frame - 9) == 0);
    CHECK(body.released() == 2);
    CHECK(gather(out).bytes == 1);
    CHECK(out.taken(1) == 1);
    CHECK(body.is_back());
}

TEST_CASE("not all is offered at a time, but what is taken of it is followed by the rest")
{
    open_lane from;
    outgoing out(from.lane);
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
    CHECK(out.taken(0) == 0);
    CHECK(out.sleeps());
}

TEST_CASE("a session that sleeps is rung for, and goes on where it was")
{
    open_lane from;
    outgoing out(from.lane);
    std::uint64_t counted = 0;
    std::string all, expected;
    for (unsigned index = 0; index < 200; ++index) {
        const parts next{text_of_size(100, index)};
        expected += wire_of(next);
        REQUIRE(messaging::write_part(from.lane, bytes_of(next[0]), nullptr, false));
        REQUIRE(from.lane.publish(1));
        REQUIRE_FALSE(out.sleeps());
        all += drain(out, counted);
        REQUIRE(counted == index + 1);
        REQUIRE(out.sleeps());
    }
    CHECK((all == expected));
}
