// SPDX-License-Identifier: MPL-2.0

// Subscriptions on their way into and out of lanes.

#include "messaging/connection/request_wire.hpp"
#include "messaging/lane_messages.hpp"
#include "zmtp/command.hpp"

#include <new>

using namespace slk;
using namespace slk::testing;
using messaging::request_wire_in;
using messaging::request_wire_out;

namespace {

std::string subscription(zmtp::version form, bool subscribe, std::string_view topic)
{
    std::string made(zmtp::subscription_frame_size(form, subscribe, bytes_of(topic)), '\0');
    zmtp::writer out(reinterpret_cast<std::byte*>(made.data()));
    zmtp::write_subscription_frame(out, form, subscribe, bytes_of(topic));
    return made;
}

constexpr zmtp::version v3_0 = zmtp::version::v3_0;
constexpr zmtp::version v3_1 = zmtp::version::v3_1;

/// A lane that a connection of a publisher receives into.
struct receiving_side {
    receiving_side() : shared(messaging::pipe_lanes::create(pools, false))
    {
        REQUIRE(shared);
        in.emplace(shared->toward[1], *shared);
    }

    /// What the system has brought.
    void arrive(std::string_view bytes)
    {
        const auto space = in->space(bytes.size());
        REQUIRE(space.size() >= bytes.size());
        std::memcpy(space.data(), bytes.data(), bytes.size());
        in->received(bytes.size());
    }
    /// The window begins with that subscription, behind some other bytes.
    void take(bool subscribe, std::string_view topic, std::size_t frame, std::size_t before = 0)
    {
        const auto seen = in->window().subspan(before + frame - topic.size(), topic.size());
        REQUIRE(text_of(seen) == topic);
        in->take_request(subscribe, seen, before + frame);
    }
    lane::chunk_pools pools;
    reference<messaging::pipe_lanes> shared;
    std::optional<request_wire_in> in;
};

std::string text_with(bool subscribe, std::string_view topic)
{
    return std::string(1, subscribe ? '\1' : '\0').append(topic);
}

/// Where it was notified.
struct notified final : messaging::far_end {
    void on_readable() noexcept override { ++times; }
    void on_writable() noexcept override {}
    void pipe_closed(const error&) noexcept override {}
    void disconnect(const error&) noexcept override {}
    int times = 0;
};

struct sending_side {
    sending_side() : user(reference<notified>::adopt(new notified)) { out.set_user(*user); }
    ~sending_side() { out.end_connection(); }

    std::string gather(std::size_t take = SIZE_MAX)
    {
        std::vector<request_wire_out::piece> pieces;
        std::string all;
        const std::size_t bytes = out.gather(pieces);
        for (const auto& each : pieces)
            all += text_of(each);
        REQUIRE(all.size() == bytes);
        (void)out.taken(std::min(take, bytes), true);
        return all.substr(0, take);
    }

    open_lane through;
    lane::chunk_pools pools_of_loop;
    reference<pattern::topic_book> book =
        reference<pattern::topic_book>::adopt(new pattern::topic_book(7));
    reference<notified> user;
    request_wire_out out{through.lane, book, pools_of_loop};
};

} // namespace

TEST_CASE("subscriptions of both forms arrive as messages, with what is between them")
{
    receiving_side to;
    const std::string longer(300, 't');
    const std::string message = frame_of("user", false);
    std::string all;
    for (const zmtp::version form : {v3_1, v3_0}) {
        all += subscription(form, true, "abc") + subscription(form, false, "") +
               subscription(form, true, longer) + message;
    }
    all += "\4\5\4PING" + subscription(v3_1, false, "x") + "\0\3re"; // a frame that is not whole
    all.resize(all.size() + 0);
    to.arrive(all);
    for (const zmtp::version form : {v3_1, v3_0}) {
        to.take(true, "abc", subscription(form, true, "abc").size());
        to.take(false, "", subscription(form, false, "").size());
        to.take(true, longer, subscription(form, true, longer).size());
        const zmtp::scanned one{message.size(), 1, 1, message.size()};
        (void)to.in->take(one);
    }
    to.take(false, "x", subscription(v3_1, false, "x").size(), 7);
    CHECK(to.in->end_requests());
    CHECK_FALSE(to.in->end_requests());
    lane::lane& lane = to.shared->toward[1];
    for (int form = 0; form < 2; ++form) {
        CHECK(receive(lane) == parts{text_with(true, "abc")});
        CHECK(receive(lane) == parts{text_with(false, "")});
        CHECK(receive(lane) == parts{text_with(true, longer)});
        CHECK(receive(lane) == parts{"user"});
    }
    CHECK(receive(lane) == parts{text_with(false, "x")});
    CHECK_FALSE(receive(lane));
}

TEST_CASE("a thousand requests may wait, published or not, whatever the socket's mark is")
{
    receiving_side to;
    to.shared->receive_mark.store(3);
    const std::string one = subscription(v3_1, true, "t");
    std::string all;
    for (int count = 0; count < 1000; ++count)
        all += one;
    to.arrive(all);
    for (std::uint64_t left = 1000; left > 0; --left) {
        CHECK(to.in->credit() == left);
        to.take(true, "t", one.size());
    }
    CHECK(to.in->credit() == 0);
    CHECK(to.in->must_wait());
    CHECK(to.in->window().empty());
    CHECK(receive(to.shared->toward[1]) == parts{text_with(true, "t")});
    CHECK(to.shared->toward[1].consume(1, true));
    CHECK(to.in->credit() == 1);
}

TEST_CASE("a megabyte of requests may wait")
{
    receiving_side to;
    const std::string topic(60'000, 't');
    const std::string one = subscription(v3_1, true, topic);
    int count = 0;
    for (; to.in->credit() > 0; ++count) {
        to.arrive(one);
        to.take(true, topic, one.size());
        (void)to.in->end_requests();
    }
    CHECK(count == 18);
    CHECK(to.in->must_wait());
}

TEST_CASE("what a connection had not published when it ended is forgotten")
{
    receiving_side to;
    const std::string one = subscription(v3_1, true, "gone");
    to.arrive(one + "\4");
    to.take(true, "gone", one.size());
    (void)to.in->end_connection();
    const std::string next = subscription(v3_0, true, "next");
    to.arrive(next);
    to.take(true, "next", next.size());
    CHECK(to.in->end_requests());
    CHECK(receive(to.shared->toward[1]) == parts{text_with(true, "next")});
    CHECK_FALSE(receive(to.shared->toward[1]));
}

TEST_CASE("a connection sends all topics in their order, and then each change, in the peer's form")
{
    for (const zmtp::version form : {v3_1, v3_0, zmtp::version::v2_0}) {
        sending_side from;
        for (const char* const topic : {"pre", "aaa", "pre"})
            REQUIRE(from.book->subscribe(bytes_of(topic), from.through.pools));
        CHECK(from.gather() == "");
        from.out.connection_ready(form);
        CHECK(from.gather() == subscription(form, true, "aaa") + subscription(form, true, "pre"));
        CHECK(from.out.must_wait());
        const int before = from.user->times;
        REQUIRE(from.book->subscribe(bytes_of("pre"), from.through.pools));
        CHECK(from.user->times == before + 1);
        CHECK_FALSE(from.book->unsubscribe(bytes_of("pre"), from.through.pools));
        CHECK_FALSE(from.book->unsubscribe(bytes_of("none"), from.through.pools));
        CHECK_FALSE(from.book->unsubscribe(bytes_of("pre"), from.through.pools));
        CHECK(from.book->unsubscribe(bytes_of("pre"), from.through.pools));
        CHECK(from.gather() == subscription(form, true, "pre") + subscription(form, false, "pre"));
    }
}

TEST_CASE("the next connection gets the topics as they are then, and nothing else")
{
    sending_side from;
    for (int number = 0; number < 1000; ++number)
        REQUIRE(from.book->subscribe(bytes_of(std::to_string(number)), from.through.pools));
    from.out.connection_ready(v3_1);
    const std::string all = from.gather(5001);
    CHECK(from.out.inside_frame());
    for (int number = 1; number < 1000; ++number)
        CHECK(from.book->unsubscribe(bytes_of(std::to_string(number)), from.through.pools));
    from.out.end_connection();
    CHECK(from.gather() == "");
    CHECK_FALSE(from.out.inside_frame());
    REQUIRE(from.book->subscribe(bytes_of("new"), from.through.pools));
    CHECK(from.gather() == "");
    from.out.connection_ready(v3_0);
    CHECK(from.gather() == subscription(v3_0, true, "0") + subscription(v3_0, true, "new"));
}

TEST_CASE("requests are sent whole and in order whatever the system takes at a time")
{
    std::mt19937 random(5);
    sending_side from;
    std::string expected, sent;
    from.out.connection_ready(v3_1);
    for (int step = 0; step < 3000; ++step) {
        const std::string topic = text_of_size(random() % 20 == 0 ? random() % 60'000 : 20,
                                               static_cast<unsigned>(random()));
        REQUIRE(from.book->subscribe(bytes_of(topic), from.through.pools));
        expected += subscription(v3_1, true, topic);
        if (random() % 3 == 0)
            sent += from.gather(random() % 2 == 0 ? SIZE_MAX : random() % 100);
    }
    for (std::string more = from.gather(); !more.empty(); more = from.gather())
        sent += more;
    CHECK(sent == expected);
    CHECK_FALSE(from.out.inside_frame());
}
