// SPDX-License-Identifier: MPL-2.0

// Messages that are framed once and sent by several connections: what each of them offers to the
// system, counts, and sends again on the next connection.

#include "messaging/connection/shared_wire_out.hpp"
#include "messaging/lane_messages.hpp"
#include "messaging/pipe/shared_frames.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;
using messaging::shared_frames;
using messaging::shared_wire_out;

namespace {

/// One of the connections.
struct subscriber {
    open_lane counts;
    lane::run_queue queue;
    shared_wire_out out{queue, counts.lane};

    void add(const shared_frames& message)
    {
        REQUIRE(queue.reserve(message.runs().size()));
        counts.lane.count(1);
        (void)queue.append(message.runs());
    }
    std::string gather()
    {
        std::vector<shared_wire_out::piece> pieces;
        const std::size_t bytes = out.gather(pieces);
        std::string all;
        for (const shared_wire_out::piece& each : pieces)
            all += text_of(each);
        REQUIRE(all.size() == bytes);
        return all;
    }
    [[nodiscard]] std::uint64_t left() { return counts.lane.produced() - counts.lane.consumed(); }
};

struct publisher {
    lane::chunk_pools pools{std::make_shared<memory_budget>(0)};
    shared_frames frames{pools};

    const shared_frames& frame(const parts& whole)
    {
        std::vector<pattern::part_view> views;
        for (const std::string& each : whole)
            views.push_back({bytes_of(each), nullptr});
        REQUIRE(frames.frame(views));
        return frames;
    }
};

const std::vector<parts>& samples()
{
    static const std::vector<parts> all{
        {"a"},
        {""},
        {"first", "", "third"},
        {text_of_size(300, 1)},
        {text_of_size(40'000, 2)},
        // Bodies that look like frames.
        {std::string(40'000, 'x')},
        {"a", std::string(33'000, '\0')},
        {std::string(33'000, '\1'), "b"},
        {"header", text_of_size(33'000, 3), text_of_size(20'000, 4), ""},
        {text_of_size(20'000, 5), text_of_size(20'000, 6), text_of_size(20'000, 7),
         text_of_size(20'000, 8)},
        {"last"},
    };
    return all;
}

} // namespace

TEST_CASE("a message that is framed once goes to each connection as its bytes on the wire")
{
    publisher from;
    subscriber one, other;
    std::string expected, expected_of_other;
    for (std::size_t index = 0; index < samples().size(); ++index) {
        const shared_frames& framed = from.frame(samples()[index]);
        one.add(framed);
        expected += wire_of(samples()[index]);
        if (index % 2 == 0) {
            other.add(framed);
            expected_of_other += wire_of(samples()[index]);
        }
    }
    CHECK(one.gather() == expected);
    CHECK(other.gather() == expected_of_other);
    CHECK(one.out.taken(expected.size(), true).messages == samples().size());
    CHECK(other.out.taken(expected_of_other.size(), true).messages == (samples().size() + 1) / 2);
    CHECK(one.left() == 0);
    CHECK(one.out.must_wait());
    CHECK(other.out.must_wait());
}

TEST_CASE("whole messages are counted wherever the system stops, and the rest is sent again")
{
    std::string all;
    std::vector<std::size_t> ends;
    for (const parts& each : samples()) {
        all += wire_of(each);
        ends.push_back(all.size());
    }
    std::vector<std::size_t> stops;
    for (std::size_t at = 0; at <= all.size(); at += at < 400 ? 1 : 997)
        stops.push_back(at);
    for (const std::size_t end : ends)
        for (const std::size_t near : {end - 1, end, end + 1})
            if (near <= all.size())
                stops.push_back(near);
    for (const std::size_t stop : stops) {
        CAPTURE(stop);
        publisher from;
        subscriber to;
        for (const parts& each : samples())
            to.add(from.frame(each));
        from.frames.clear();
        const auto whole =
            static_cast<std::uint64_t>(std::ranges::upper_bound(ends, stop) - ends.begin());
        const std::size_t begin = whole == 0 ? 0 : ends[whole - 1];
        REQUIRE(to.gather() == all);
        CHECK(to.out.taken(stop, true).messages == whole);
        CHECK(to.out.inside_message() == (stop != begin));
        REQUIRE(to.gather() == all.substr(stop));
        (void)to.out.taken(0, true);
        to.out.begin_connection();
        REQUIRE(to.gather() == all.substr(begin));
        CHECK(to.out.must_wait() == (whole == samples().size()));
        CHECK(to.left() == samples().size() - whole);
        if (whole < samples().size()) {
            CHECK(to.out.drop_message().messages == 1);
            REQUIRE(to.gather() == all.substr(ends[whole]));
        }
    }
}

TEST_CASE("a message of several large runs is offered whole, so that its frames can be sealed")
{
    const parts large{std::string(600'000, 'a'), std::string(600'000, 'b'), "c"};
    publisher from;
    subscriber to;
    to.add(from.frame(large));
    CHECK((to.gather() == wire_of(large)));
    CHECK(to.out.taken(wire_of(large).size(), true).messages == 1);
    CHECK(to.out.must_wait());
}

TEST_CASE("a run that grows while it is sent is counted once")
{
    publisher from;
    subscriber to;
    const parts one{"0123456789"};
    const std::string wire = wire_of(one);
    to.add(from.frame(one));
    REQUIRE(to.gather() == wire);
    to.add(from.frame(one));
    CHECK(to.out.taken(wire.size(), true).messages == 1);
    REQUIRE(to.gather() == wire);
    CHECK(to.out.taken(5, true).messages == 0);
    to.add(from.frame(one));
    REQUIRE(to.gather() == wire.substr(5) + wire);
    CHECK(to.out.taken(wire.size(), true).messages == 1);
    CHECK(to.out.taken(wire.size() - 5, true).messages == 1);
    CHECK(to.out.must_wait());
    to.add(from.frame(one));
    to.add(from.frame({"x"}));
    REQUIRE(to.gather() == wire + wire_of(parts{"x"}));
    CHECK(to.out.taken(wire.size(), true).messages == 1);
    CHECK(to.out.taken(3, true).messages == 1);
    CHECK(to.left() == 0);
}

TEST_CASE(
    "a large body that may be shared is not copied, and is released after the last connection")
{
    lent_memory body(text_of_size(50'000, 9));
    publisher from;
    subscriber one, other;
    {
        const message lent = body.lend();
        const pattern::part_view part{lent.bytes(), message_detail::access::owner_of(lent)};
        REQUIRE(from.frames.frame({&part, 1}));
        one.add(from.frames);
        other.add(from.frames);
        from.frames.clear();
    }
    CHECK(from.pools.budget->used() == 50'000);
    const std::string wire = wire_of(parts{body.text()});
    REQUIRE(one.gather() == wire);
    (void)one.out.taken(wire.size(), true);
    CHECK(one.out.must_wait());
    CHECK_FALSE(body.is_back());
    REQUIRE(other.gather() == wire);
    (void)other.out.taken(wire.size(), true);
    CHECK(other.out.must_wait());
    CHECK(body.is_back());
    CHECK(from.pools.budget->used() == 0);
}

TEST_CASE("random messages arrive whole at every connection, whatever the system takes at a time")
{
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        publisher from;
        subscriber all[3];
        std::string expected[3], sent[3];
        std::uint64_t counted[3]{};
        std::uint64_t queued[3]{};
        for (int step = 0; step < 400; ++step) {
            const parts next = random_parts(random, 40'000);
            const shared_frames& framed = from.frame(next);
            for (std::size_t which = 0; which < 3; ++which) {
                if (random() % 3 != 0) {
                    all[which].add(framed);
                    expected[which] += wire_of(next);
                    ++queued[which];
                }
                if (random() % 3 == 0)
                    continue;
                const std::string offered = all[which].gather();
                if (offered.empty()) {
                    CHECK(all[which].out.must_wait());
                    continue;
                }
                const std::size_t taken =
                    random() % 2 == 0 ? offered.size() : random() % (offered.size() + 1);
                sent[which] += offered.substr(0, taken);
                counted[which] += all[which].out.taken(taken, true).messages;
            }
        }
        for (std::size_t which = 0; which < 3; ++which) {
            for (std::string offered = all[which].gather(); !offered.empty();
                 offered = all[which].gather()) {
                sent[which] += offered;
                counted[which] += all[which].out.taken(offered.size(), true).messages;
            }
            REQUIRE(sent[which] == expected[which]);
            CHECK(counted[which] == queued[which]);
            CHECK(all[which].queue.waiting_bytes() == 0);
        }
    }
}
