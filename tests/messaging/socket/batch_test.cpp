// SPDX-License-Identifier: MPL-2.0

// Batches: send_batch() from spans and from messages, and receive_batch() into a received_batch and
// into messages.

#include "lane/allocations.hpp"
#include "messaging/lane_messages.hpp"
#include "support/sockets.hpp"

#include <serverlink/serverlink.hpp>

#include <array>
#include <map>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

using span_of_bytes = std::span<const std::byte>;

std::vector<span_of_bytes> spans_of(const std::vector<std::string>& texts)
{
    std::vector<span_of_bytes> spans;
    for (const std::string& each : texts)
        spans.push_back(std::as_bytes(std::span(each)));
    return spans;
}

/// Sizes that are handled in ways of their own.
std::vector<std::string> texts_of_all_sizes()
{
    std::vector<std::string> texts;
    unsigned salt = 0;
    for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 255U, 256U, 8191U, 8192U, 32'767U,
                                   32'768U, 70'000U, 300'000U, 10U})
        texts.push_back(text_of_size(size, salt++));
    return texts;
}

multipart multipart_of(const parts& texts)
{
    multipart whole;
    for (const std::string& each : texts)
        must(whole.add(each));
    return whole;
}

template <class From, class To>
void join(From& from, To& to, const std::string& transport)
{
    const bool over_tcp = transport == "tcp";
    must(from.connect(must(to.bind(over_tcp ? "tcp://127.0.0.1:*" : "inproc://batch"))));
    must(from.wait_ready(test_timeout));
}

/// Receives `count` parts by batches of at most `max`.
std::vector<std::string> receive_all(pull& from, std::size_t count, std::size_t max)
{
    std::vector<std::string> all;
    received_batch batch;
    while (all.size() < count) {
        const std::size_t got = must(from.receive_batch(batch, max, test_timeout));
        REQUIRE(got == batch.size());
        REQUIRE(got > 0);
        REQUIRE(got <= max);
        for (std::size_t index = 0; index < got; ++index)
            all.emplace_back(batch.text(index));
    }
    return all;
}

const std::vector<std::string> transports{"tcp", "inproc"};

} // namespace

TEST_CASE("messages of any size are sent from spans and received as views")
{
    const std::vector<std::string> texts = texts_of_all_sizes();
    const auto spans = spans_of(texts);
    for (const std::string& transport : transports)
        for (const std::size_t max : {1U, 3U, 100U}) {
            CAPTURE(transport);
            CAPTURE(max);
            auto in = new_context();
            auto to = must(pull::create(in));
            auto from = must(push::create(in));
            join(from, to, transport);
            CHECK(must(from.send_batch(spans, test_timeout)) == texts.size());
            CHECK((receive_all(to, texts.size(), max) == texts));
            CHECK(from.counters().queued_total == texts.size());
            CHECK(to.counters().received == texts.size());
        }
}

TEST_CASE("messages of any size are sent from messages, which are empty then, and received into "
          "messages")
{
    const std::vector<std::string> texts = texts_of_all_sizes();
    for (const std::string& transport : transports) {
        CAPTURE(transport);
        auto in = new_context();
        auto to = must(pull::create(in));
        auto from = must(push::create(in));
        join(from, to, transport);
        std::vector<message> sent;
        for (const std::string& each : texts)
            sent.push_back(message_of(each));
        CHECK(must(from.send_batch(std::span(sent), test_timeout)) == texts.size());
        for (const message& each : sent)
            CHECK(each.empty());
        std::vector<std::string> all;
        std::array<message, 4> into;
        while (all.size() < texts.size())
            for (std::size_t left = must(to.receive_batch(std::span(into), test_timeout)),
                             index = 0;
                 index < left; ++index)
                all.emplace_back(into[index].text());
        CHECK((all == texts));
    }
}

TEST_CASE("parts of a message may be split between batches and single receives")
{
    for (const std::string& transport : transports) {
        CAPTURE(transport);
        auto in = new_context();
        auto to = must(pull::create(in));
        auto from = must(push::create(in));
        join(from, to, transport);
        must(from.send(multipart_of({"a", "b", text_of_size(100'000), "d"})));
        must(from.send(multipart_of({"e", "f"})));
        must(from.send(std::string_view("g")));

        received_batch batch;
        REQUIRE(must(to.receive_batch(batch, 1, test_timeout)) == 1);
        CHECK(batch.text(0) == "a");
        CHECK(batch.more(0));
        message part;
        must(to.receive(part, no_wait));
        CHECK(part.text() == "b");
        CHECK(part.more());
        REQUIRE(must(to.receive_batch(batch, 1, no_wait)) == 1);
        CHECK((batch.text(0) == text_of_size(100'000)));
        CHECK(batch.more(0));
        multipart rest;
        must(to.receive(rest, no_wait));
        CHECK(texts_of(rest) == parts{"d"});
        std::vector<std::string> all;
        while (all.size() < 3) {
            (void)must(to.receive_batch(batch, 10, test_timeout));
            for (std::size_t index = 0; index < batch.size(); ++index) {
                all.emplace_back(batch.text(index));
                CHECK(batch.more(index) == (all.size() == 1));
            }
        }
        CHECK(all == parts{"e", "f", "g"});
        CHECK(to.counters().received == 3);
    }
}

TEST_CASE("the memory of a large body is released when the batch that shows it is cleared")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    auto from = must(push::create(in));
    join(from, to, "inproc");
    lent_memory lent(text_of_size(50'000));
    std::array<message, 3> sent{lent.lend(), lent.lend(), lent.lend()};
    CHECK(must(from.send_batch(std::span<message>(sent), test_timeout)) == 3);
    received_batch batch;
    REQUIRE(must(to.receive_batch(batch, 3, test_timeout)) == 3);
    CHECK(static_cast<const void*>(batch[0].data()) == lent.text().data());
    CHECK(lent.released() == 0);
    CHECK(code_of(to.receive_batch(batch, 3, no_wait)) == errc::would_block);
    CHECK(batch.empty());
    CHECK(lent.is_back());
}

TEST_CASE("a batch outlives its socket, and may be cleared on another thread")
{
    received_batch batch;
    {
        auto in = new_context();
        auto to = must(pull::create(in));
        auto from = must(push::create(in));
        join(from, to, "tcp");
        must(from.send(std::string_view("small")));
        must(from.send(std::string_view(text_of_size(100'000))));
        REQUIRE(must(to.receive_batch(batch, 1, test_timeout)) == 1);
        CHECK(batch.text(0) == "small");
        received_batch second;
        REQUIRE(must(to.receive_batch(second, 1, test_timeout)) == 1);
        std::jthread([other = std::move(second)]() mutable { other.clear(); }).join();
    }
    CHECK(batch.text(0) == "small");
}

TEST_CASE("batches of small messages use the same few chunks, and allocate nothing for a message")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    auto from = must(push::create(in));
    join(from, to, "inproc");
    const std::vector<std::string> texts(500, std::string(40, 'x'));
    const auto spans = spans_of(texts);
    received_batch batch;
    std::uint64_t before = 0;
    bool all = true;
    for (int round = 0; round < 400; ++round) {
        if (round == 200)
            before = allocations();
        all = all && *from.send_batch(spans, test_timeout) == texts.size();
        for (std::size_t left = texts.size(); all && left > 0; left -= batch.size())
            all = to.receive_batch(batch, texts.size(), test_timeout).has_value();
    }
    CHECK(all);
    CHECK(allocations() - before < 10);
}

TEST_CASE("a batch is fair: every peer with messages has its share, and messages stay whole")
{
    auto in = new_context();
    pull_options options;
    options.receive_high_water_mark = 0;
    auto to = must(pull::create(in, options));
    must(to.bind("inproc://batch"));
    constexpr std::size_t count = 1500;
    std::vector<push> peers;
    for (std::size_t peer = 0; peer < 3; ++peer) {
        push_options sending;
        sending.send_high_water_mark = 0;
        peers.push_back(must(push::create(in, sending)));
        must(peers.back().connect("inproc://batch"));
        for (std::size_t index = 0; index < count; ++index) {
            const std::string name = std::to_string(peer) + " " + std::to_string(index);
            must(peers.back().send(multipart_of({name, name, name})));
        }
    }
    std::map<char, std::size_t> next; // the number that each peer's next message has
    std::size_t in_message = 0;
    std::string present;
    std::size_t received = 0;
    received_batch batch;
    for (bool first = true; received < 3 * 3 * count; first = false) {
        received += must(to.receive_batch(batch, 1000, test_timeout));
        std::map<char, std::size_t> share;
        for (std::size_t index = 0; index < batch.size(); ++index) {
            const std::string body(batch.text(index));
            ++share[body.front()];
            if (in_message == 0) {
                REQUIRE(body ==
                        std::string(1, body.front()) + " " + std::to_string(next[body.front()]++));
                present = body;
            }
            REQUIRE(body == present);
            in_message = batch.more(index) ? in_message + 1 : 0;
            REQUIRE(in_message < 3);
        }
        if (first)
            for (const char peer : {'0', '1', '2'})
                CHECK(share[peer] > 200);
    }
    CHECK(to.counters().received == 3 * count);
}

TEST_CASE("a batch that cannot be sent or received now is would_block, and timed_out later")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 3;
    auto from = must(push::create(in, options));
    auto to = must(pull::create(in));
    must(to.bind("inproc://batch"));
    received_batch batch;
    std::array<message, 5> five{message_of("1"), message_of("2"), message_of("3"), message_of("4"),
                                message_of("5")};
    const std::vector<std::string> texts{"6", "7"};
    const auto spans = spans_of(texts);

    // Without a peer.
    CHECK(code_of(from.send_batch(std::span<message>(five), no_wait)) == errc::would_block);
    CHECK(code_of(from.send_batch(spans, short_timeout)) == errc::timed_out);
    CHECK(code_of(to.receive_batch(batch, 5, no_wait)) == errc::would_block);
    CHECK(code_of(to.receive_batch(batch, 5, short_timeout)) == errc::timed_out);
    CHECK(code_of(to.receive_batch(std::span<message>(five), no_wait)) == errc::would_block);
    CHECK(code_of(to.receive_batch(batch, 0, test_timeout)) == errc::invalid_argument);
    CHECK(code_of(to.receive_batch(std::span<message>(), test_timeout)) == errc::invalid_argument);
    CHECK(must(from.send_batch(std::span<message>(), no_wait)) == 0);
    CHECK(from.counters().queued_total == 0);

    // With room for some.
    five = {message_of("1"), message_of("2"), message_of("3"), message_of("4"), message_of("5")};
    must(from.connect("inproc://nobody"));
    CHECK(must(from.send_batch(std::span<message>(five), no_wait)) == 3);
    CHECK(five[2].empty());
    CHECK(five[3].text() == "4");
    CHECK(code_of(from.send_batch(std::span(five).subspan(3), no_wait)) == errc::would_block);
    CHECK(code_of(from.send_batch(spans, short_timeout)) == errc::timed_out);
    CHECK(from.counters().queued_total == 3);
    must(to.bind("inproc://nobody"));
    CHECK(must(from.send_batch(std::span(five).subspan(3), test_timeout)) == 2);
    CHECK(receive_all(to, 5, 2) == parts{"1", "2", "3", "4", "5"});
    CHECK(code_of(to.receive_batch(batch, 5, no_wait)) == errc::would_block);
}

TEST_CASE("a batch that waits for room goes on when the peer has read")
{
    for (const std::string& transport : transports) {
        CAPTURE(transport);
        auto in = new_context();
        socket_options options;
        options.send_high_water_mark = options.receive_high_water_mark = 2;
        auto from = must(push::create(in, options));
        auto to = must(pull::create(in, options));
        join(from, to, transport);
        std::vector<std::string> texts;
        for (unsigned index = 0; index < 300; ++index)
            texts.push_back(text_of_size(index % 7 == 0 ? 40'000 : index, index));
        const auto spans = spans_of(texts);
        std::size_t sent = 0;
        std::jthread sender([&] { sent = from.send_batch(spans, test_timeout).value_or(0); });
        CHECK((receive_all(to, texts.size(), 5) == texts));
        sender.join();
        CHECK(sent == texts.size());
    }
}

TEST_CASE("a batch of a conflating socket leaves its newest message")
{
    for (const std::string& transport : transports) {
        CAPTURE(transport);
        auto in = new_context();
        socket_options options;
        options.conflate = true;
        auto from = must(push::create(in, options));
        auto to = must(pull::create(in, options));
        join(from, to, transport);
        std::vector<std::string> texts;
        for (int index = 0; index < 100; ++index)
            texts.push_back(std::to_string(index));
        CHECK(must(from.send_batch(spans_of(texts), test_timeout)) == 100);
        received_batch batch;
        std::size_t received = 0;
        std::string last;
        while (last != "99") {
            REQUIRE(must(to.receive_batch(batch, 100, test_timeout)) == 1);
            last = batch.text(0);
            ++received;
        }
        CHECK(code_of(to.receive_batch(batch, 100, no_wait)) == errc::would_block);
        const auto replaced = from.counters().conflated_sent + to.counters().conflated_received;
        CHECK(received + replaced == 100);
        CHECK(to.counters().received == received);
    }
}

TEST_CASE("a batch of a closed socket, or of one whose context is shut down, is an error")
{
    auto in = new_context();
    auto from = must(push::create(in));
    auto to = must(pull::create(in));
    received_batch batch;
    const std::vector<std::string> texts{"a"};
    const auto spans = spans_of(texts);
    from.close(duration::zero());
    CHECK(code_of(from.send_batch(spans, test_timeout)) == errc::invalid_state);
    in.shutdown();
    CHECK(code_of(to.receive_batch(batch, 1, test_timeout)) == errc::cancelled);
}
