// SPDX-License-Identifier: MPL-2.0

// context_options::max_memory: what counts, what waits when it is used up, and what still goes on.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::uint64_t limit = 1'000'000;
/// A queue notices that the limit is reached when it has taken a chunk more.
constexpr std::uint64_t limit_and_chunks = limit + 300'000;

context limited_context(std::uint64_t max_memory = limit, int threads = 1)
{
    context_options options;
    options.max_memory = max_memory;
    return new_context(threads, options);
}

template <class Options = socket_options>
Options without_marks()
{
    Options options = reconnect_at_once<Options>();
    options.send_high_water_mark = options.receive_high_water_mark = 0;
    return options;
}

/// A push with messages for a peer that does not come: they fill the limit.
push fill(context& in, std::size_t body = 100'000)
{
    auto from = new_socket<push>(in, without_marks());
    must(from.connect("tcp://127.0.0.1:1"));
    while (from.send(std::string(body, 'x'), no_wait)) {
    }
    return from;
}

/// All sockets are closed.
bool is_empty(context& in)
{
    auto idle = new_socket<pull>(in);
    return until([&] {
        (void)idle.events(); // runs the loop if it has no thread
        return in.memory().bytes == 0;
    });
}

void receive_whole(router& from, multipart& into)
{
    peer_id who;
    must(from.receive(who, into, test_timeout));
}

template <class Socket>
void receive_whole(Socket& from, multipart& into)
{
    must(from.receive(into, test_timeout));
}

} // namespace

TEST_CASE("max_memory is validated, and reported")
{
    context_options options;
    CHECK(options.max_memory == std::uint64_t{1} << 30);
    options.max_memory = UINT64_MAX;
    CHECK(code_of(context::create(options)) == errc::invalid_argument);
    options.max_memory = 0;
    CHECK(must(context::create(options)).memory().max_bytes == 0);
    CHECK(new_context(0).memory().max_bytes == std::uint64_t{1} << 30);
    CHECK(limited_context().memory().max_bytes == limit);
    loop on = new_peer_loop();
    CHECK(must(context::on(on, 5)).memory().max_bytes == 5);
    CHECK(must(context::on(on)).memory().max_bytes == std::uint64_t{1} << 30);
    CHECK(code_of(context::on(on, UINT64_MAX)) == errc::invalid_argument);
}

TEST_CASE("when max_memory is used up, a send waits unless the queue is empty")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = limited_context(limit, threads);
        auto from = fill(in);
        CHECK(from.counters().queued_total == 10);
        CHECK(in.memory().bytes >= limit);
        CHECK(in.memory().bytes < limit_and_chunks);
        CHECK(code_of(from.send("small", no_wait)) == errc::would_block);
        CHECK_FALSE(from.events().writable);

        auto other = new_socket<push>(in, without_marks());
        must(other.connect("tcp://127.0.0.1:1"));
        must(other.send(std::string(100'000, 'y'), no_wait));
        CHECK(code_of(other.send("small", no_wait)) == errc::would_block);
        CHECK(code_of(other.send("small", short_timeout)) == errc::timed_out);
        CHECK_FALSE(other.events().writable);
    // What another socket gives back is room for this one.
        from.close(0ms);
        CHECK(until([&] { return other.events().writable; }));
        must(other.send("small", no_wait));
        other.close(0ms);
        CHECK(is_empty(in));
        CHECK(in.memory().ended_connections == 0);
    }
}

TEST_CASE("a thread that waits to send is woken when another socket gives "
          "memory back")
{
    auto in = limited_context();
    auto from = fill(in);
    auto other = fill(in);
    auto batching = fill(in);
    CHECK(other.counters().queued_total == 1);
    std::thread closing([&] {
        std::this_thread::sleep_for(short_timeout);
        from.close(0ms);
    });
    CHECK(other.send("waits", test_timeout).has_value());
    closing.join();
    std::vector<message> batch(20);
    for (message& each : batch)
        each = message_of(std::string(100'000, 'b'));
    const auto queued = must(batching.send_batch(batch, no_wait));
    CHECK(queued >= 5);
    CHECK(queued <= 9);
    other.close(0ms);
    batching.close(0ms);
    CHECK(is_empty(in));
}

TEST_CASE("a ROUTER that is not mandatory drops what finds no memory")
{
    auto in = limited_context();
    router_options options = without_marks<router_options>();
    options.mandatory = false;
    auto from = new_socket<router>(in, options);
    must(from.connect("tcp://127.0.0.1:1", {.routing_id = "absent"}));
    const auto send = [&] {
        return must(from.send({"absent", 0}, std::string(100'000, 'x'), no_wait));
    };
    for (int number = 0; number < 10; ++number)
        CHECK(send() == send_outcome::queued);
    CHECK(send() == send_outcome::dropped_full);
    CHECK(from.counters().dropped_full == 1);
    from.close(0ms);
}

namespace {

/// The system holds little, so that a few messages fill everything on the way.
template <class Options>
Options with_little_room()
{
    Options options = without_marks<Options>();
    options.tuning.send_buffer = options.tuning.receive_buffer = 64'000;
    return options;
}

/// More than the limit is sent while nothing is received, and then everything is received.
template <class Receiver, class Sender>
void check_back_pressure(const std::string& where, std::size_t size, int count, int threads)
{
    CAPTURE(where);
    CAPTURE(size);
    auto in = limited_context(limit, threads);
    auto outside = new_context();
    auto to = new_socket<Receiver>(in, with_little_room<options_of<Receiver>>());
    auto from = new_socket<Sender>(outside, with_little_room<options_of<Sender>>());
    bind_and_connect(to, from, where);
    const std::string body(size, 'x');
    for (int number = 0; number < count; ++number) {
        multipart whole;
        REQUIRE((whole.add(std::to_string(number)) && whole.add(body) &&
                 from.send(std::move(whole), test_timeout)));
    }
    std::uint64_t most = 0;
    const auto look = [&] {
        (void)to.events(); // runs the loop if it has no thread
        most = std::max(most, in.memory().bytes);
        return most >= limit;
    };
    CHECK(until(look));
    for (int more = 0; more < 10; ++more) {
        (void)look();
        std::this_thread::sleep_for(1ms);
    }
    CHECK(from.peers().at(0).queued > 0);
    int number = 0;
    for (; number < count; ++number) {
        multipart got;
        receive_whole(to, got);
        REQUIRE(
            (got.size() == 2 && got[0].text() == std::to_string(number) && got[1].text() == body));
        most = std::max(most, in.memory().bytes);
    }
    // A large message has its memory twice while it grows.
    CHECK(most < limit_and_chunks + 2 * size);
    from.close(0ms);
    to.close(0ms);
    CHECK(is_empty(in));
    CHECK(in.memory().ended_connections == 0);
}

} // namespace

TEST_CASE("when max_memory is used up, a connection is not read, and nothing "
          "is lost")
{
    for (const std::string& where : stream_endpoints())
        for (const int threads : {0, 1}) {
            check_back_pressure<pull, push>(where, 60, 22'000, threads);
            check_back_pressure<pull, push>(where, 10'000, 250, threads);
            check_back_pressure<pull, push>(where, 40'000, 60, threads);
            check_back_pressure<pull, push>(where, 300'000, 10, threads);
        }
    check_back_pressure<pair, pair>(any_tcp, 10'000, 250, 1);
    check_back_pressure<dealer, dealer>(any_tcp, 300'000, 10, 1);
    check_back_pressure<router, dealer>(any_tcp, 10'000, 250, 1);
    check_back_pressure<router, dealer>(any_tcp, 300'000, 10, 1);
}

TEST_CASE("a message larger than max_memory arrives, one at a time")
{
    auto in = limited_context(100'000);
    auto outside = new_context();
    auto to = new_socket<pull>(in, without_marks());
    auto from = new_socket<push>(outside, without_marks());
    bind_and_connect(to, from);
    const std::string body(5'000'000, 'x');
    for (int number = 0; number < 5; ++number)
        must(from.send(std::to_string(number) + body, test_timeout));
    for (int number = 0; number < 5; ++number)
        CHECK((receive_text(to) == std::to_string(number) + body));
}

TEST_CASE("small messages go on between others when max_memory is used up")
{
    auto in = limited_context();
    auto full = fill(in);
    const std::string body(500, 'x');
    for (const std::string where : {any_tcp, "inproc://small"}) {
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in, reconnect_at_once());
        bind_and_connect(to, from, where);
    // As many as need many large chunks.
        std::thread sending([&] {
            for (int number = 0; number < 2'000; ++number)
                if (!from.send(std::to_string(number) + body, test_timeout))
                    return;
        });
        for (int number = 0; number < 2'000; ++number)
            if (receive_text(to) != std::to_string(number) + body) {
                CHECK(number == 2'000);
                break;
            }
        sending.join();
        CHECK(to.counters().received == 2'000);
    }
    CHECK(in.memory().bytes >= limit);
    full.close(0ms);
}

TEST_CASE("with inproc a sender waits for memory, and nothing is lost")
{
    auto in = limited_context();
    auto to = new_socket<pull>(in, without_marks());
    auto from = new_socket<push>(in, without_marks());
    bind_and_connect(to, from, "inproc://memory");
    const std::string body(100'000, 'x');
    int sent = 0;
    while (from.send(std::to_string(sent) + body, no_wait))
        ++sent;
    CHECK(sent == 10);
    int received = 0;
    for (; sent < 100; ++sent)
        while (!from.send(std::to_string(sent) + body, no_wait))
            REQUIRE((receive_text(to, no_wait) == std::to_string(received++) + body));
    CHECK(sent - received >= 9);
    for (; received < 100; ++received)
        REQUIRE((receive_text(to) == std::to_string(received) + body));
    from.close(0ms);
    to.close(0ms);
    CHECK(is_empty(in));
}

TEST_CASE("messages that arrive in part, and fill max_memory, all arrive when "
          "they go on")
{
    struct kind {
        std::string name, begin, end;
        std::size_t parts;
    };
    std::string small_parts;
    for (int part = 0; part < 450; ++part)
        small_parts += short_frame(std::string(200, 'p'), true);
    const std::string half(100'000, 'h');
    for (const kind& each : {kind{"a body", long_frame_header(200'000, false) + half, half, 1},
                             kind{"parts", small_parts, small_parts + short_frame("", false), 901},
                             kind{"large parts", long_frame_header(100'000, true) + half,
                                  long_frame_header(100'000, false) + half, 2}})
        for (const std::string& where : stream_endpoints()) {
            CAPTURE(each.name);
            auto in = limited_context(limit / 2);
            auto to = new_socket<pull>(in);
            const std::string at = must(to.bind(where));
            loop on = new_peer_loop();
            std::vector<std::unique_ptr<stream_peer>> peers;
            for (int number = 0; number < 10; ++number) {
                peers.push_back(std::make_unique<stream_peer>(on, at));
                REQUIRE(peers.back()->shake_hands("PUSH"));
                REQUIRE(peers.back()->send(each.begin));
            }
            CHECK(until([&] { return in.memory().bytes >= limit / 3; }));
            CHECK_FALSE(to.events().readable);
            // The last one that began goes on first. It may have to wait for the others.
            std::vector<std::unique_ptr<testing::stream_sender>> sends;
            for (auto peer = peers.rbegin(); peer != peers.rend(); ++peer) {
                sends.push_back((*peer)->begin_send(each.end));
                (void)(*peer)->run_until([] { return false; }, 2ms);
            }
            for (int number = 0; number < 10; ++number) {
                REQUIRE(until([&] {
                    (void)peers.front()->run_until([] { return false; }, 1ms);
                    return to.events().readable;
                }));
                multipart got;
                receive_whole(to, got);
                CHECK(got.size() == each.parts);
            }
            CHECK(in.memory().ended_connections == 0);
            CHECK(ready_peers(to) == 10);
            peers.clear();
            to.close(0ms);
            CHECK(is_empty(in));
        }
}

TEST_CASE("an unfinished message counts in the receive mark in bytes")
{
    for (const std::string& where : stream_endpoints()) {
        auto in = new_context();
        pull_options options;
        options.receive_high_water_mark = 0;
        options.receive_high_water_bytes = 300'000;
        options.max_message_size = 0;
        options.max_message_parts = 0;
        options.tuning.receive_buffer = 50'000;
        auto to = new_socket<pull>(in, options);
        loop on = new_peer_loop();
        stream_peer peer(on, must(to.bind(where)));
        REQUIRE(peer.shake_hands("PUSH"));
        // As much as stream_peer sends at a time, so that a send in vain ends with a whole part.
        const std::string part = short_frame(std::string(62, 'p'), true);
        std::string parts;
        while (parts.size() < 65536)
            parts += part;
        REQUIRE(peer.send(short_frame("first", false)));
        // Parts without end, until nothing is taken any more.
        while (peer.bytes_sent() < (std::size_t{64} << 20) && peer.send(parts, 200ms)) {
        }
        CHECK(peer.bytes_sent() < (std::size_t{64} << 20));
        CHECK(in.memory().bytes >= 200'000);
        CHECK(in.memory().bytes < 500'000);
        // While no message waits, there is room for one, whatever its size.
        CHECK(receive_text(to) == "first");
        CHECK(until([&] {
            (void)to.events(); // finds that it has read everything
            (void)peer.send(parts, 1ms);
            return in.memory().bytes > 1'000'000;
        }));
    }
}

TEST_CASE("a peer with an unfinished message cannot take more than the limits "
          "of one message")
{
    auto in = new_context();
    pull_options options;
    options.receive_high_water_mark = 0;
    options.max_message_size = 1'000'000;
    auto to = new_socket<pull>(in, options);
    loop on = new_peer_loop();
    stream_peer peer(on, must(to.bind(any_tcp)));
    REQUIRE(peer.shake_hands("PUSH"));
    std::uint64_t most = 0;
    const std::string part = long_frame_header(50'000, true) + std::string(50'000, 'p');
    while (peer.bytes_sent() < (std::size_t{64} << 20) && peer.send(part))
        most = std::max(most, in.memory().bytes);
    CHECK(peer.is_closed());
    CHECK(most < 1'300'000);
    CHECK(is_empty(in));
}

TEST_CASE("a large body that is announced and does not come takes at most 1 MiB")
{
    auto in = new_context();
    pull_options options;
    options.max_message_size = 0;
    auto to = new_socket<pull>(in, options);
    loop on = new_peer_loop();
    std::vector<std::unique_ptr<stream_peer>> peers;
    for (int number = 0; number < 5; ++number) {
        peers.push_back(std::make_unique<stream_peer>(on, must(to.bind(any_tcp))));
        REQUIRE(peers.back()->shake_hands("PUSH"));
        REQUIRE(peers.back()->send(long_frame_header(std::uint64_t{1} << 60, false) + "begin"));
    }
    CHECK(until([&] { return in.memory().bytes == 5 << 20; }));
    peers.clear();
    CHECK(is_empty(in));
}

TEST_CASE("the message of a conflating socket counts")
{
    const std::string body(100'000, 'x');
    for (const std::string where : {any_tcp, "inproc://conflate"}) {
        auto in = limited_context();
        pull_options options;
        options.conflate = true;
        auto to = new_socket<pull>(in, options);
        push_options of_push = reconnect_at_once();
        of_push.conflate = true;
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from, where);
        for (int number = 0; number < 100; ++number)
            must(from.send(std::to_string(number) + body, no_wait));
        CHECK(in.memory().bytes >= 100'000);
        // At most one in each place: two slots, two lanes, and what is on its way.
        CHECK(in.memory().bytes < 800'000);
        std::string got;
        do
            got = receive_text(to);
        while (got != "99" + body);
        // Many parts count as objects.
        multipart whole;
        for (int part = 0; part < 1000; ++part)
            must(whole.add(""));
        must(from.send(std::move(whole), no_wait));
        CHECK(until([&] { return to.events().readable; }));
        CHECK(until([&] { return in.memory().bytes >= 1000 * sizeof(message); }));
        from.close(test_timeout);
        to.close(0ms);
        CHECK(is_empty(in));
    }
}
