// SPDX-License-Identifier: MPL-2.0

// read_parts reads the same parts as read_part, many at a time and without copying.

#include "lane/allocations.hpp"
#include "messaging/lane_messages.hpp"
#include "support/sanitized.hpp"

using namespace slk;
using namespace slk::testing;
using messaging::parts_read;
using messaging::read_parts;

namespace {

struct read_part_of_message {
    std::string text;
    bool more;

    friend bool operator==(const read_part_of_message&, const read_part_of_message&) = default;
};

using all_parts = std::vector<read_part_of_message>;

all_parts one_by_one(lane::lane& from)
{
    all_parts all;
    message part;
    while (messaging::read_part(from, part)) {
        all.push_back({std::string(part.text()), part.more()});
        part.clear();
    }
    return all;
}

void append(all_parts& to, const received_batch& batch, std::size_t from = 0)
{
    for (std::size_t index = from; index < batch.size(); ++index)
        to.push_back({std::string(batch.text(index)), batch.more(index)});
}

std::size_t messages_in(const all_parts& all)
{
    std::size_t count = 0;
    for (const read_part_of_message& each : all)
        count += each.more ? 0 : 1;
    return count;
}

} // namespace

TEST_CASE("parts are read into batches of any size as they are read one by one")
{
    std::mt19937 random(11);
    for (int round = 0; round < repeats_of_one_thread(150); ++round) {
        open_lane single, batched;
        received_batch batch;
        all_parts expected, found;
        std::size_t messages = 0;
        for (int step = 0; step < 10; ++step) {
            for (std::size_t count = random() % 30; count > 0; --count) {
                const parts next = random_parts(random, 100'000);
                send(single.lane, next);
                send(batched.lane, next);
            }
            const auto more = one_by_one(single.lane);
            expected.insert(expected.end(), more.begin(), more.end());
            for (;;) {
                // A batch may be filled up by several calls.
                if (random() % 2 == 0)
                    batch.clear();
                const std::size_t before = batch.size();
                const std::size_t max = 1 + random() % (random() % 2 == 0 ? 4 : 200);
                const parts_read got = read_parts(batched.lane, batch, max);
                REQUIRE(got.parts <= max);
                REQUIRE(batch.size() == before + got.parts);
                append(found, batch, before);
                messages += got.messages;
                if (got.parts == 0)
                    break;
            }
            REQUIRE_FALSE(batched.lane.readable());
        }
        REQUIRE((found == expected));
        REQUIRE(messages == messages_in(expected));
    }
}

TEST_CASE("no part is read for a maximum of 0")
{
    open_lane at;
    send(at.lane, {"a"});
    received_batch batch;
    CHECK(read_parts(at.lane, batch, 0).parts == 0);
    CHECK(batch.empty());
    CHECK(read_parts(at.lane, batch, 1).messages == 1);
}

TEST_CASE("a batch shows the bytes where they lie, and keeps them until it is cleared")
{
    lent_memory lent(text_of_size(50'000));
    received_batch kept;
    const std::string small = text_of_size(100, 1);
    {
        open_lane at;
        for (int index = 0; index < 3; ++index) {
            const message body = lent.lend();
            REQUIRE(messaging::write_part(at.lane, body.bytes(),
                                          message_detail::access::owner_of(body), index < 2));
        }
        (void)at.lane.publish(1);
        send(at.lane, {small});
        CHECK(read_parts(at.lane, kept, 10).parts == 4);
    }
    for (std::size_t index = 0; index < 3; ++index)
        CHECK(static_cast<const void*>(kept[index].data()) == lent.text().data());
    CHECK((kept.text(3) == small));
    CHECK(lent.released() == 0);
    received_batch moved = std::move(kept);
    CHECK(kept.empty());
    CHECK(lent.released() == 0);
    moved.clear();
    CHECK(lent.is_back());
}

TEST_CASE("small messages are read into a batch without an allocation")
{
    open_lane at;
    received_batch batch;
    CHECK(message_detail::access::reserve(batch, 1000));
    const std::string body = text_of_size(40);
    std::uint64_t before = 0;
    // The first rounds fill the pools and the batch's list of chunks.
    for (int round = 0; round < 200; ++round) {
        if (round == 100)
            before = allocations();
        for (int index = 0; index < 1000; ++index) {
            (void)messaging::write_part(at.lane, bytes_of(body), nullptr, false);
            (void)at.lane.publish(1);
        }
        batch.clear();
        const parts_read got = read_parts(at.lane, batch, 1000);
        if (got.parts != 1000)
            FAIL("not all were read");
        (void)at.lane.consume(got.messages, true);
    }
    CHECK(allocations() == before);
}
