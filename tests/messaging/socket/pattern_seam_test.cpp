// SPDX-License-Identifier: MPL-2.0

// What a pattern may do with messages, seen through a real socket: to send one message to several
// peers, to add, check and strip parts, to discard messages, and to fail calls that make no sense.

#include "lane/allocations.hpp"
#include "messaging/context/context_core.hpp"
#include "messaging/socket/socket_core.hpp"
#include "pattern/rotation.hpp"
#include "support/sockets.hpp"

#include <serverlink/serverlink.hpp>

#include <array>
#include <thread>

using namespace slk;
using namespace slk::testing;
using pattern::part_view;
using pattern::routing;

namespace {

// --- patterns ---

/// Sends each message to all peers that have room.
class fan_out final : public pattern::pattern {
public:
    result<slk::pattern::peer*> attach(slk::pattern::peer& entry) override
    {
        return resume_sending(entry);
    }
    result<slk::pattern::peer*> resume_sending(slk::pattern::peer& entry) override
    {
        stop_sending(entry);
        peers_.push_back(&entry);
        return nullptr;
    }
    void stop_sending(slk::pattern::peer& entry) noexcept override { std::erase(peers_, &entry); }
    void detach(slk::pattern::peer& entry) noexcept override { stop_sending(entry); }
    void readable(slk::pattern::peer&, bool) noexcept override {}
    void writable(slk::pattern::peer&, bool) noexcept override {}

    [[nodiscard]] routing route(std::span<const part_view>&, const peer_id*,
                                slk::pattern::room_check& rooms) noexcept override
    {
        targets_.clear();
        for (slk::pattern::peer* const each : peers_)
            if (rooms.has_room(*each))
                targets_.push_back(each);
        return routing::to_targets(peers_.size() - targets_.size());
    }
    [[nodiscard]] std::span<slk::pattern::peer* const> targets() const noexcept override
    {
        return targets_;
    }
    [[nodiscard]] bool can_send(slk::pattern::room_check&) noexcept override { return true; }
    [[nodiscard]] slk::pattern::peer* receive_from() noexcept override { return nullptr; }
    void received(slk::pattern::peer&) noexcept override {}

private:
    std::vector<slk::pattern::peer*> peers_;
    std::vector<slk::pattern::peer*> targets_;
};

/// Asks one peer at a time, as REQ does: a request has a marker in front, and so has its reply.
/// Messages without the marker are discarded.
class asking final : public pattern::pattern {
public:
    asking() noexcept : pattern(kind::inspecting) {}

    result<slk::pattern::peer*> attach(slk::pattern::peer& entry) override
    {
        receiving_.add(entry, false);
        return resume_sending(entry);
    }
    result<slk::pattern::peer*> resume_sending(slk::pattern::peer& entry) override
    {
        if (!sending_.has(entry))
            sending_.add(entry, true);
        return nullptr;
    }
    void stop_sending(slk::pattern::peer& entry) noexcept override
    {
        if (sending_.has(entry))
            sending_.remove(entry);
    }
    void detach(slk::pattern::peer& entry) noexcept override
    {
        stop_sending(entry);
        receiving_.remove(entry);
    }
    void readable(slk::pattern::peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(slk::pattern::peer& entry, bool is) noexcept override
    {
        if (sending_.has(entry))
            is ? sending_.activate(entry) : sending_.deactivate(entry);
    }

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id*,
                                slk::pattern::room_check& rooms) noexcept override
    {
        if (asked_)
            return routing::refuse({errc::invalid_state, phase::transfer, 0, "a reply is due"});
        slk::pattern::peer* const to = sending_.current();
        if (to == nullptr || !rooms.has_room(*to))
            return {};
        sending_.advance();
        marked_.assign(1, {std::as_bytes(std::span(marker)), nullptr});
        marked_.insert(marked_.end(), parts.begin(), parts.end());
        parts = marked_;
        asked_ = true;
        return routing::to_peer(*to);
    }
    [[nodiscard]] bool can_send(slk::pattern::room_check&) noexcept override
    {
        return !asked_ && sending_.current() != nullptr;
    }

    [[nodiscard]] slk::pattern::peer* receive_from() noexcept override
    {
        return receiving_.current();
    }
    void received(slk::pattern::peer&) noexcept override { receiving_.advance(); }
    [[nodiscard]] result<void> check_receive() const override
    {
        if (!asked_)
            return fail(errc::invalid_state, phase::transfer, "nothing was asked");
        return {};
    }
    [[nodiscard]] slk::pattern::part_fate inspect(slk::pattern::peer&, message& part,
                                                  bool first) noexcept override
    {
        using enum slk::pattern::part_fate;
        if (first)
            return part.text() == marker_text() && part.more() ? strip : discard;
        asked_ = part.more();
        return deliver;
    }

    static constexpr std::array<char, 3> marker{'<', '#', '>'};
    static std::string_view marker_text() { return {marker.data(), marker.size()}; }

private:
    slk::pattern::load_balancer sending_;
    slk::pattern::fair_queue receiving_;
    std::vector<part_view> marked_;
    bool asked_ = false;
};

// --- sockets ---

/// A socket with a pattern of the test's.
class test_socket {
public:
    test_socket(context& in, zmtp::socket_type type, std::unique_ptr<pattern::pattern> routes,
                const socket_options& options = {})
        : core_(must(messaging::socket_core::create(in.core(), type, options, std::move(routes))))
    {
    }
    test_socket(const test_socket&) = delete;
    test_socket& operator=(const test_socket&) = delete;
    ~test_socket()
    {
        core_->close(duration::zero());
        core_->release();
    }

    messaging::socket_core* operator->() const noexcept { return core_; }

    result<send_outcome> send(std::vector<std::string_view> texts,
                              const timeout& limit = test_timeout)
    {
        std::vector<part_view> parts;
        for (const std::string_view each : texts)
            parts.push_back({std::as_bytes(std::span(each)), nullptr});
        return core_->send(parts, limit);
    }
    /// The parts of the next message, or the error.
    std::vector<std::string> receive_text(const timeout& limit = test_timeout)
    {
        std::vector<std::string> parts;
        message part;
        do {
            if (const auto got = core_->receive(part, limit); !got)
                return {std::string(name_of(got.error().code))};
            parts.emplace_back(part.text());
        } while (part.more());
        return parts;
    }

private:
    messaging::socket_core* core_;
};

using texts = std::vector<std::string>;

std::string endpoint_for(const std::string& transport)
{
    return transport == "tcp" ? "tcp://127.0.0.1:*" : "inproc://seam";
}

std::size_t ready_peers(const test_socket& of)
{
    std::size_t count = 0;
    for (const peer_status& each : of->peers())
        count += each.ready ? 1 : 0;
    return count;
}

template <class Socket>
texts receive_texts(Socket& from)
{
    multipart whole;
    must(from.receive(whole, test_timeout));
    return texts_of(whole);
}

template <class Socket>
void reply(Socket& by, std::vector<std::string_view> with)
{
    multipart whole;
    for (const std::string_view each : with)
        must(whole.add(each));
    must(by.send(std::move(whole), test_timeout));
}

} // namespace

TEST_CASE("a pattern sends one message to several peers")
{
    for (const std::string& transport : {std::string("tcp"), std::string("inproc")}) {
        CAPTURE(transport);
        auto in = new_context();
        test_socket out(in, zmtp::socket_type::push, std::make_unique<fan_out>());
        const std::string at = must(out->bind(endpoint_for(transport)));
        // Without a peer it is queued for none.
        CHECK(must(out.send({"nobody hears this"})) == send_outcome::queued);
        CHECK(out->counters().queued_total == 0);

        std::vector<pull> peers;
        for (int index = 0; index < 3; ++index) {
            peers.push_back(must(pull::create(in)));
            must(peers.back().connect(at));
        }
        REQUIRE(until([&] { return ready_peers(out) == 3; }));
        const std::string large(100'000, 'l');
        for (int index = 0; index < 100; ++index)
            must(out.send({std::to_string(index), "second"}));
        must(out.send({large}));
        for (pull& each : peers) {
            for (int index = 0; index < 100; ++index)
                REQUIRE(receive_texts(each) == texts{std::to_string(index), "second"});
            CHECK((receive_text(each) == large));
        }
        CHECK(out->counters().queued_total == 303);

        // A peer that has left is no target any more.
        peers.front().close(duration::zero());
        REQUIRE(until([&] { return ready_peers(out) == 2; }));
        must(out.send({"two"}));
        CHECK(receive_text(peers[1]) == "two");
        CHECK(receive_text(peers[2]) == "two");
        CHECK(out->counters().queued_total == 305);
        CHECK(out->counters().dropped_full == 0);
    }
}

TEST_CASE("a message for several peers that finds no memory goes to none of them")
{
    auto in = new_context();
    test_socket out(in, zmtp::socket_type::push, std::make_unique<fan_out>());
    const std::string at = must(out->bind("inproc://seam"));
    std::vector<pull> peers;
    for (int index = 0; index < 3; ++index) {
        peers.push_back(must(pull::create(in)));
        must(peers.back().connect(at));
    }
    REQUIRE(until([&] { return ready_peers(out) == 3; }));
    const std::string large(30'000, 'l'); // needs another chunk
    std::uint64_t failed = 0;
    for (bool sent = false; !sent;) {
        const std::uint64_t queued = out->counters().queued_total;
        {
            const scarce_memory scarce(failed);
            sent = out.send({"first", large}, no_wait).has_value();
        }
        CHECK(out->counters().queued_total == queued + (sent ? 3 : 0));
        failed += sent ? 0 : 1;
        must(out.send({"marker"}));
        for (pull& each : peers) {
            if (sent)
                CHECK((receive_texts(each) == texts{"first", large}));
            CHECK(receive_text(each) == "marker");
        }
    }
    CHECK(failed >= 2); // also when a peer had it already
}

TEST_CASE("a thread that has sent nothing does not wait for a reply")
{
    auto in = new_context();
    messaging::socket_state state(in.core(), zmtp::socket_type::push,
                                  reference<messaging::inbox>::adopt(new messaging::inbox),
                                  std::make_unique<fan_out>());
    state.options = {};
    messaging::sender tested(state);
    CHECK_FALSE(tested.begin_wait());
    const part_view part{};
    must(tested.send({&part, 1}, no_wait));
    // It went to nobody, but the caller has asked for something.
    CHECK(tested.begin_wait());
    CHECK_FALSE(tested.begin_wait());
}

TEST_CASE("a thread that waits for sockets waits for replies of those that it is to receive from")
{
    auto in = new_context();
    auto a = must(pair::create(in));
    auto b = must(pair::create(in));
    auto a_peer = must(pair::create(in));
    auto b_peer = must(pair::create(in));
    must(a.connect(must(a_peer.bind("inproc://a"))));
    must(b.connect(must(b_peer.bind("inproc://b"))));
    wait_item items[] = {{.on = &a}, {.on = &b}};
    const auto send_both = [&] {
        must(a.send("request", test_timeout));
        must(b.send("request", test_timeout));
    };
    // A wait that does not sleep does not wait for anything.
    send_both();
    CHECK(code_of(wait(items, no_wait)) == errc::would_block);
    CHECK(a.core()->begin_wait());
    CHECK(b.core()->begin_wait());

    send_both();
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    CHECK_FALSE(a.core()->begin_wait());
    CHECK_FALSE(b.core()->begin_wait());

    send_both();
    items[1].to_receive = false;
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    CHECK_FALSE(a.core()->begin_wait());
    CHECK(b.core()->begin_wait());
}

TEST_CASE("a batch is sent to several peers, message by message")
{
    auto in = new_context();
    test_socket out(in, zmtp::socket_type::push, std::make_unique<fan_out>());
    const std::string at = must(out->bind("inproc://seam"));
    std::vector<pull> peers;
    for (int index = 0; index < 2; ++index) {
        peers.push_back(must(pull::create(in)));
        must(peers.back().connect(at));
    }
    REQUIRE(until([&] { return ready_peers(out) == 2; }));
    std::vector<message> batch;
    for (int index = 0; index < 50; ++index)
        batch.push_back(message_of(std::to_string(index)));
    CHECK(must(out->send_batch(std::span(batch), test_timeout)) == 50);
    for (pull& each : peers)
        for (int index = 0; index < 50; ++index)
            REQUIRE(receive_text(each) == std::to_string(index));
}

TEST_CASE("a pattern skips peers without room, and what they miss is counted")
{
    for (const std::string& transport : {std::string("tcp"), std::string("inproc")}) {
        CAPTURE(transport);
        auto in = new_context();
        socket_options small;
        small.send_high_water_mark = 5;
        small.receive_high_water_mark = 5;
        test_socket out(in, zmtp::socket_type::push, std::make_unique<fan_out>(), small);
        auto slow = must(pull::create(in, small));
        auto fast = must(pull::create(in));
        const std::string at = must(out->bind(endpoint_for(transport)));
        must(slow.connect(at));
        must(fast.connect(at));
        REQUIRE(until([&] { return ready_peers(out) == 2; }));

        // More than the buffers of the system take.
        const std::string body(100'000, 'b');
        constexpr int count = 300;
        for (int index = 0; index < count; ++index) {
            must(out.send({body}, no_wait));
            REQUIRE((receive_text(fast) == body));
        }
        const socket_counters counted = out->counters();
        CHECK(counted.dropped_full > 0);
        CHECK(counted.queued_total + counted.dropped_full == 2 * count);
        const std::uint64_t queued = counted.queued_total - count;
        for (std::uint64_t index = 0; index < queued; ++index)
            REQUIRE((receive_text(slow) == body));
        CHECK(receive_text(slow, no_wait).starts_with("("));

        // It has room again.
        must(out.send({"room"}));
        CHECK(receive_text(slow) == "room");
        CHECK(receive_text(fast) == "room");
    }
}

TEST_CASE("a pattern adds a part in front, strips it on arrival and discards other messages")
{
    for (const std::string& transport : {std::string("tcp"), std::string("inproc")}) {
        CAPTURE(transport);
        auto in = new_context();
        test_socket ask(in, zmtp::socket_type::dealer, std::make_unique<asking>());
        auto other = must(dealer::create(in));
        must(ask->connect(must(other.bind(endpoint_for(transport))), {}));
        const std::string_view marker = asking::marker_text();
        const std::string large(50'000, 'l');

        must(ask.send({"question", large}));
        CHECK((receive_texts(other) == texts{"<#>", "question", large}));
        reply(other, {"without a marker"});
        reply(other, {"a", marker, "b"});
        reply(other, {marker}); // and nothing else
        reply(other, {marker, "answer", large, ""});
        CHECK((ask.receive_text() == texts{"answer", large, ""}));
        CHECK(ask->counters().received == 1);
        CHECK(ask->counters().discarded == 3);

        // Also into messages at once.
        must(ask.send({"again"}));
        CHECK(receive_texts(other) == texts{"<#>", "again"});
        reply(other, {"noise", "noise"});
        reply(other, {marker, "x", "y"});
        std::array<message, 2> both;
        CHECK(must(ask->receive_batch(std::span(both).first(1), test_timeout)) == 1);
        CHECK(must(ask->receive_batch(std::span(both).last(1), test_timeout)) == 1);
        CHECK(both[0].text() == "x");
        CHECK(both[0].more());
        CHECK(both[1].text() == "y");
        CHECK_FALSE(both[1].more());
        CHECK(ask->counters().received == 2);
        CHECK(ask->counters().discarded == 4);
    }
}

TEST_CASE("a pattern that checks parts cannot be received from without copies")
{
    auto in = new_context();
    test_socket ask(in, zmtp::socket_type::dealer, std::make_unique<asking>());
    auto other = must(dealer::create(in));
    must(ask->connect(must(other.bind("inproc://seam")), {}));
    must(ask.send({"question"}));
    reply(other, {asking::marker_text(), "answer"});
    received_batch batch;
    CHECK(code_of(ask->receive_batch(batch, 10, test_timeout)) == errc::not_supported);
    CHECK(ask.receive_text() == texts{"answer"});
}

TEST_CASE("a call in the wrong state fails at once, and does not wait")
{
    for (const std::string& transport : {std::string("tcp"), std::string("inproc")}) {
        CAPTURE(transport);
        auto in = new_context();
        test_socket ask(in, zmtp::socket_type::dealer, std::make_unique<asking>());
        auto other = must(dealer::create(in));
        must(ask->connect(must(other.bind(endpoint_for(transport))), {}));
        must(ask->wait_ready(test_timeout));

        message got;
        CHECK(code_of(ask->receive(got, slk::timeout{})) == errc::invalid_state);
        std::array<message, 2> many;
        CHECK(code_of(ask->receive_batch(std::span(many), slk::timeout{})) == errc::invalid_state);
        // A message that nobody has asked for makes the socket not readable.
        reply(other, {asking::marker_text(), "early"});
        std::this_thread::sleep_for(short_timeout);
        CHECK_FALSE(ask->events().readable);
        CHECK(ask->events().writable);

        must(ask.send({"question"}));
        CHECK_FALSE(ask->events().writable);
        CHECK(code_of(ask.send({"another"}, slk::timeout{})) == errc::invalid_state);
        CHECK(ask->counters().queued_total == 1);
        CHECK(receive_texts(other) == texts{"<#>", "question"});
        CHECK(until([&] { return ask->events().readable; }));
        CHECK(ask.receive_text() == texts{"early"});
        CHECK(code_of(ask->receive(got, slk::timeout{})) == errc::invalid_state);
        CHECK(ask->events().writable);
    }
}

TEST_CASE("a message that a pattern drops is counted, alone and in a batch")
{
    /// Sends nothing to anyone.
    class dropping final : public pattern::pattern {
    public:
        result<slk::pattern::peer*> attach(slk::pattern::peer&) override { return nullptr; }
        result<slk::pattern::peer*> resume_sending(slk::pattern::peer&) override { return nullptr; }
        void stop_sending(slk::pattern::peer&) noexcept override {}
        void detach(slk::pattern::peer&) noexcept override {}
        void readable(slk::pattern::peer&, bool) noexcept override {}
        void writable(slk::pattern::peer&, bool) noexcept override {}
        [[nodiscard]] routing route(std::span<const part_view>&, const peer_id*,
                                    slk::pattern::room_check&) noexcept override
        {
            return routing::drop(send_outcome::dropped_no_route);
        }
        [[nodiscard]] bool can_send(slk::pattern::room_check&) noexcept override { return true; }
        [[nodiscard]] slk::pattern::peer* receive_from() noexcept override { return nullptr; }
        void received(slk::pattern::peer&) noexcept override {}
    };
    auto in = new_context();
    test_socket out(in, zmtp::socket_type::push, std::make_unique<dropping>());
    CHECK(must(out.send({"a"})) == send_outcome::dropped_no_route);
    std::array<message, 3> batch{message_of("b"), message_of("c"), message_of("d")};
    CHECK(must(out->send_batch(std::span<message>(batch), test_timeout)) == 3);
    CHECK(out->counters().dropped_no_route == 4);
    CHECK(out->counters().queued_total == 0);
}
