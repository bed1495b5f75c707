// SPDX-License-Identifier: MPL-2.0

// set_options(): the next bind() or connect() takes the new options, earlier ones keep theirs, live
// options act at once, and bad ones change nothing.

#include "support/sockets.hpp"

#include <serverlink/serverlink.hpp>

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

using namespace slk;
using namespace slk::testing;
using namespace std::string_view_literals;

namespace {

constexpr auto tcp = "tcp://127.0.0.1:*";
/// No program listens there.
constexpr auto absent = "tcp://127.0.0.1:1";

/// Changes some options of a socket.
template <class Socket, class Change>
void change(Socket& of, Change change)
{
    auto options = of.options();
    change(options);
    must(of.set_options(options));
}

/// Binds, changes the options, and binds again.
template <class Change>
std::vector<std::string> bind_twice(pull& to, Change changes)
{
    std::vector<std::string> at{must(to.bind(tcp))};
    change(to, changes);
    at.push_back(must(to.bind(tcp)));
    return at;
}

std::uint64_t failures(socket& of, std::size_t endpoint)
{
    return of.endpoints().at(endpoint).handshake_failures;
}

/// A TCP client that sends what the test wants.
class raw_client {
public:
    raw_client(const std::string& to, std::string_view bytes)
    {
        link_handlers on;
        on.connected = [&](stream made) {
            connection_ = std::move(made);
            connected_ = true;
            read();
        };
        // A server that closes the connection at once may be faster than this loop.
        on.state_changed = [&](const link_transition& change, const link_status&) {
            closed_ = closed_ || (!connected_ && change.to == link_state::idle);
        };
        link_options wanted{.to = must(endpoint::parse(to))};
        wanted.reconnect.base = reconnect_never;
        to_there_.emplace(must(slk::link::create(loop_, wanted, on)));
        to_there_->start();
        REQUIRE(must(loop_.run_until([&] { return connected_ || closed_; }, test_timeout)));
        if (bytes.empty())
            return;
        bool sent = false;
        must(connection_.send(std::as_bytes(std::span(bytes.data(), bytes.size())),
                              [&](const result<std::size_t>&) { sent = true; }));
        REQUIRE(must(loop_.run_until([&] { return sent; }, test_timeout)));
    }
    raw_client(const raw_client&) = delete;
    raw_client& operator=(const raw_client&) = delete;

    /// The other side closes the connection within this time.
    [[nodiscard]] bool is_closed(duration timeout = test_timeout)
    {
        return must(loop_.run_until([&] { return closed_; }, timeout));
    }

private:
    void read()
    {
        (void)connection_.receive(bytes_, [this](const result<std::size_t>& count) {
            closed_ = !count || *count == 0;
            if (!closed_)
                read();
        });
    }

    std::array<std::byte, 256> bytes_{};
    bool connected_ = false;
    bool closed_ = false;
    loop loop_ = must(slk::loop::create());
    stream connection_;
    std::optional<slk::link> to_there_;
};

/// The handshake of a PUSH of ZMTP 3.1 with NULL (RFC 37), and nothing after it.
std::string push_handshake()
{
    std::string made("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL", 16);
    made.resize(64, '\0');
    return made + std::string("\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH", 28);
}

} // namespace

TEST_CASE("routing_id and properties are those of the latest options at each connect()")
{
    auto in = new_context();
    auto to = must(router::create(in));
    const std::string at = must(to.bind(tcp));
    dealer_options options;
    options.routing_id = "first";
    options.properties = {{"X-Number", "1"}};
    auto from = must(dealer::create(in, options));
    must(from.connect(at));
    options.routing_id = "second";
    options.properties = {{"X-Number", "2"}, {"X-More", "m"}};
    must(from.set_options(options));
    must(from.connect(at));
    must(from.wait_ready(test_timeout));
    REQUIRE(until([&] { return to.peers().size() == 2; }));
    std::map<std::string, std::vector<socket_property>> seen;
    for (const peer_status& each : to.peers())
        seen[each.routing_id] = each.properties;
    REQUIRE(seen.size() == 2);
    REQUIRE(seen["first"].size() == 1);
    CHECK(seen["first"][0].value == "1");
    REQUIRE(seen["second"].size() == 2);
    CHECK(seen["second"][0].value == "2");
}

TEST_CASE("with inproc routing_id is that of the latest options too")
{
    auto in = new_context();
    auto to = must(router::create(in));
    must(to.bind("inproc://options"));
    auto from = must(dealer::create(in));
    for (const char* const id : {"first", "second"}) {
        dealer_options options;
        options.routing_id = id;
        must(from.set_options(options));
        must(from.connect("inproc://options"));
    }
    must(from.wait_ready(test_timeout));
    REQUIRE(until([&] { return to.peers().size() == 2; }));
    for (const char* const id : {"first", "second"})
        CHECK(to.send(peer_id{id}, "hello", no_wait).has_value());
}

TEST_CASE("security is that of the latest options at each bind() and connect()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at = bind_twice(to, [](socket_options& options) {
        options.security.mechanism = security_mechanism::plain_server;
        options.security.accepted = {{"user", "password"}};
    });
    auto from = must(push::create(in, reconnect_at_once()));
    must(from.connect(at[0]));
    change(from, [](socket_options& options) {
        options.security.mechanism = security_mechanism::plain_client;
        options.security.own = {"user", "password"};
    });
    must(from.connect(at[1]));
    must(from.wait_ready(test_timeout));
    REQUIRE(until([&] { return to.peers().size() == 2; }));
    std::map<std::string, std::string> users;
    for (const peer_status& each : to.peers())
        users[each.endpoint] = each.user;
    CHECK(users[at[0]].empty());
    CHECK(users[at[1]] == "user");

    // The other way round neither gets in.
    auto other = must(push::create(in, reconnect_at_once()));
    must(other.connect(at[1]));
    REQUIRE(until([&] { return failures(to, 1) > 0; }));
    CHECK(failures(to, 0) == 0);
}

TEST_CASE("max_message_size is that of the latest options at each bind()")
{
    auto in = new_context();
    pull_options small;
    small.max_message_size = 10;
    auto to = must(pull::create(in, small));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.max_message_size = 1000; });
    auto first = must(push::create(in, reconnect_at_once()));
    auto second = must(push::create(in, reconnect_at_once()));
    must(first.connect(at[0]));
    must(second.connect(at[1]));
    must(first.send(std::string(100, 'a'), test_timeout));
    must(second.send(std::string(100, 'b'), test_timeout));
    CHECK(receive_text(to) == std::string(100, 'b'));
    CHECK(until([&] { return first.peers()[0].connections > 1; }));
    CHECK(second.peers()[0].connections == 1);
    CHECK(to.counters().received == 1);
}

TEST_CASE("max_handshake_size is that of the latest options at each bind()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.max_handshake_size = 100; });
    push_options options = reconnect_at_once();
    options.properties = {{"X-Long", std::string(500, 'x')}};
    auto from = must(push::create(in, options));
    must(from.connect(at[0]));
    must(from.wait_ready(test_timeout));
    must(from.connect(at[1]));
    CHECK(until([&] { return failures(to, 1) > 0; }));
    CHECK(failures(to, 0) == 0);
    CHECK(to.endpoints()[0].peers == 1);
}

TEST_CASE("max_metadata_size is that of the latest options at each bind()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.max_metadata_size = 100; });
    push_options options = reconnect_at_once();
    options.properties = {{"X-Long", std::string(100, 'x')}};
    auto from = must(push::create(in, options));
    must(from.connect(at[0]));
    must(from.wait_ready(test_timeout));
    must(from.connect(at[1]));
    CHECK(until([&] { return failures(to, 1) > 0; }));
    CHECK(failures(to, 0) == 0);
}

TEST_CASE("max_peers is that of the latest options at each bind()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at = bind_twice(to, [](socket_options& options) { options.max_peers = 1; });
    auto from = must(push::create(in, reconnect_at_once()));
    for (const std::string& each : at)
        must(from.connect(each));
    must(from.wait_ready(test_timeout));
    for (const std::string& each : at)
        must(from.connect(each));
    CHECK(until([&] { return failures(to, 1) > 0 && to.endpoints()[0].peers == 2; }));
    CHECK(to.endpoints()[1].peers == 1);
    CHECK(failures(to, 0) == 0);
}

TEST_CASE("conflate is that of the latest options at each connect()")
{
    auto in = new_context();
    auto from = must(push::create(in, reconnect_at_once()));
    must(from.connect(absent));
    change(from, [](socket_options& options) { options.conflate = true; });
    must(from.connect(absent));
    change(from, [](socket_options& options) { options.conflate = false; });
    must(from.connect(absent));
    for (int index = 0; index < 30; ++index)
        must(from.send(std::to_string(index), no_wait));
    const auto peers = from.peers();
    REQUIRE(peers.size() == 3);
    std::vector<std::uint64_t> queued;
    for (const peer_status& each : peers) {
        CHECK(each.queued_total == 10);
        queued.push_back(each.queued);
    }
    CHECK(queued == std::vector<std::uint64_t>{10, 1, 10});
}

TEST_CASE("immediate is that of the latest options at each connect()")
{
    auto in = new_context();
    for (const bool immediate_first : {false, true}) {
        auto from = must(push::create(in, reconnect_at_once()));
        for (const bool immediate : {immediate_first, !immediate_first}) {
            change(from, [&](socket_options& options) { options.immediate = immediate; });
            must(from.connect(absent));
        }
        for (int index = 0; index < 10; ++index)
            must(from.send(std::to_string(index), no_wait));
        const auto peers = from.peers();
        REQUIRE(peers.size() == 2);
        CHECK(peers[immediate_first ? 1 : 0].queued == 10);
        CHECK(peers[immediate_first ? 0 : 1].queued == 0);
    }
}

TEST_CASE("reconnect is that of the latest options at each connect()")
{
    auto in = new_context();
    auto from = must(push::create(in, reconnect_at_once()));
    must(from.connect(absent));
    change(from, [](socket_options& options) { options.reconnect.base = reconnect_never; });
    must(from.connect(absent));
    CHECK(until([&] { return from.endpoints()[0].link.attempt > 3; }));
    CHECK(until([&] { return from.endpoints()[1].link.state == link_state::idle; }));
    CHECK(from.endpoints()[1].link.attempt == 1);
}

TEST_CASE("tuning is that of the latest options at each bind() and connect()")
{
    auto in = new_context();
    const auto no_device = [](socket_options& options) {
        options.tuning.device = "no such device";
    };
    auto to = must(pull::create(in));
    const std::string at = must(to.bind(tcp));
    change(to, no_device);
    CHECK(code_of(to.bind(tcp)) != errc::ok);
    CHECK(to.endpoints().size() == 1);

    auto from = must(push::create(in, reconnect_at_once()));
    must(from.connect(at));
    must(from.wait_ready(test_timeout));
    change(from, no_device);
    must(from.connect(at));
    CHECK(until([&] { return from.endpoints()[1].link.last_error != error{}; }));
    CHECK_FALSE(from.endpoints()[1].ready);
    CHECK(from.endpoints()[0].ready);
    CHECK(from.peers()[0].connections == 1);
    change(from, [](socket_options& options) { options.tuning = {}; });
    must(from.connect(at));
    CHECK(until([&] { return from.endpoints()[2].ready; }));
}

TEST_CASE("handshake_timeout is that of the latest options at each bind()")
{
    auto in = new_context();
    pull_options patient;
    patient.handshake_timeout = duration::zero();
    auto to = must(pull::create(in, patient));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.handshake_timeout = short_timeout; });
    const raw_client first(at[0], ""), second(at[1], "");
    CHECK(until([&] { return failures(to, 1) == 1; }));
    CHECK(to.endpoints()[1].last_handshake_failure == errc::timed_out);
    CHECK(failures(to, 0) == 0);
}

TEST_CASE("peer_timeout is that of the latest options at each bind()")
{
    auto in = new_context();
    pull_options patient;
    patient.peer_timeout = duration::zero();
    auto to = must(pull::create(in, patient));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.peer_timeout = short_timeout; });
    raw_client first(at[0], push_handshake());
    REQUIRE(until([&] { return to.endpoints()[0].peers == 1; }));
    raw_client second(at[1], push_handshake());
    CHECK(second.is_closed());
    CHECK(failures(to, 1) == 0);
    CHECK_FALSE(first.is_closed(short_timeout));
    CHECK(to.endpoints()[0].peers == 1);
}

TEST_CASE("max_pending_handshakes is that of the latest options at each bind()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at =
        bind_twice(to, [](socket_options& options) { options.max_pending_handshakes = 1; });
    const raw_client first(at[0], ""), second(at[0], "");
    raw_client third(at[1], "");
    const raw_client fourth(at[1], "");
    CHECK(third.is_closed());
    CHECK(until([&] { return failures(to, 1) == 1; }));
    CHECK(to.endpoints()[1].last_handshake_failure == errc::connection_refused);
    CHECK(failures(to, 0) == 0);
}

TEST_CASE("accept_zmtp_2_0 is that of the latest options at each bind()")
{
    // Signature, revision 1, the type PUSH, no identity, and a message (RFC 15).
    constexpr std::string_view old = "\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0\0\x03"
                                     "old"sv;
    auto in = new_context();
    auto to = must(pull::create(in));
    const auto at = bind_twice(to, [](socket_options& options) { options.accept_zmtp_2_0 = true; });
    const raw_client first(at[0], old);
    CHECK(until([&] { return failures(to, 0) == 1; }));
    const raw_client second(at[1], old);
    CHECK(receive_text(to) == "old");
    CHECK(failures(to, 1) == 0);
}

TEST_CASE("affinity is that of the latest options at each bind()")
{
    // An authenticator is called on the thread of the connection.
    std::mutex guard;
    std::map<std::string, std::thread::id, std::less<>> threads;
    auto in = new_context(2);
    auto to = must(pull::create(in));
    auto from = must(push::create(in, reconnect_at_once()));
    const std::pair<const char*, std::uint64_t> binds[] = {{"a", 1}, {"b", 2}, {"c", 1}, {"d", 2}};
    for (const auto& [domain, affinity] : binds) {
        change(to, [&](socket_options& options) {
            options.affinity = affinity;
            options.security.zap_domain = domain;
            options.security.authenticator = [&](const authentication_request& request) {
                const std::lock_guard lock(guard);
                threads.insert_or_assign(std::string(request.domain), std::this_thread::get_id());
                return authentication_answer::accepted;
            };
        });
        must(from.connect(must(to.bind(tcp))));
    }
    must(from.wait_ready(test_timeout));
    const std::lock_guard lock(guard);
    REQUIRE(threads.size() == 4);
    CHECK(threads["a"] == threads["c"]);
    CHECK(threads["b"] == threads["d"]);
    CHECK(threads["a"] != threads["b"]);
}

TEST_CASE("dual_stack is that of the latest options at each bind()")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    auto from = must(push::create(in, reconnect_at_once()));
    for (const bool both : {false, true}) {
        change(to, [&](socket_options& options) { options.dual_stack = both; });
        const std::string at = must(to.bind("tcp://[::]:*"));
        must(from.connect("tcp://127.0.0.1" + at.substr(at.rfind(':'))));
    }
    CHECK(until([&] { return from.endpoints()[1].ready; }));
    CHECK(until([&] { return from.endpoints()[0].link.last_error == errc::connection_refused; }));
}

TEST_CASE("high-water marks and linger act at once")
{
    auto in = new_context();
    push_options options = reconnect_at_once();
    options.send_high_water_mark = 2;
    auto from = must(push::create(in, options));
    must(from.connect(absent));
    const auto fill = [&] {
        int count = 0;
        while (from.send(std::string(100, 'm'), no_wait))
            ++count;
        return count;
    };
    CHECK(fill() == 2);
    change(from, [](socket_options& changed) { changed.send_high_water_mark = 5; });
    CHECK(from.events().writable);
    CHECK(fill() == 3);
    change(from, [](socket_options& changed) {
        changed.send_high_water_mark = 0;
        changed.send_high_water_bytes = 1000;
    });
    CHECK(fill() == 5); // a frame is 102 bytes, and the last one may exceed the mark
    change(from, [](socket_options& changed) { changed.linger = duration::zero(); });
    const auto began = std::chrono::steady_clock::now();
    {
        const push ends = std::move(from);
    }
    CHECK(std::chrono::steady_clock::now() - began < 900ms);
}

TEST_CASE("receive marks of an existing connection act at once")
{
    auto in = new_context();
    pull_options small;
    small.receive_high_water_mark = 1;
    auto to = must(pull::create(in, small));
    push_options unlimited;
    unlimited.send_high_water_mark = 0;
    auto from = must(push::create(in, unlimited));
    must(from.connect(must(to.bind(tcp))));
    const std::string body(100'000, 'b');
    for (int index = 0; index < 200; ++index)
        must(from.send(std::string_view(body)));
    must(to.wait_ready(test_timeout));
    std::uint64_t sent = 0;
    REQUIRE(until([&] {
        const std::uint64_t before = std::exchange(sent, from.peers()[0].sent);
        std::this_thread::sleep_for(short_timeout);
        return sent > 0 && before == sent;
    }));
    CHECK(sent < 200);
    change(to, [](socket_options& options) { options.receive_high_water_mark = 0; });
    CHECK(until([&] { return from.peers()[0].sent == 200; }));
}

TEST_CASE("options that are refused change nothing")
{
    auto in = new_context();
    pull_options good;
    good.max_message_size = 1000;
    good.receive_high_water_mark = 7;
    good.properties = {{"X-Kept", "yes"}};
    auto to = must(pull::create(in, good));
    const auto check_refused = [&](auto bad) {
        socket_options options = good;
        options.max_message_size = 5;
        options.receive_high_water_mark = 1;
        options.properties = {};
        bad(options);
        CHECK(code_of(to.set_options(options)) == errc::invalid_argument);
        CHECK(to.options().max_message_size == 1000);
        CHECK(to.options().receive_high_water_mark == 7);
    };
    check_refused([](auto& options) { options.peer_timeout = 1ms; });
    check_refused([](auto& options) { options.handshake_timeout = -1ms; });
    check_refused([](auto& options) { options.max_pending_handshakes = 0; });
    check_refused([](auto& options) { options.max_message_size = UINT64_MAX; });
    check_refused([](auto& options) { options.max_handshake_size = 1; });
    check_refused([](auto& options) { options.max_metadata_size = 1; });
    check_refused([](auto& options) { options.linger = -1ms; });
    check_refused([](auto& options) { options.backlog = 0; });
    check_refused([](auto& options) { options.routing_id = std::string(256, 'r'); });
    check_refused([](auto& options) { options.properties = {{"no X", ""}}; });
    check_refused([](auto& options) { options.affinity = 2; });
    check_refused([](auto& options) { options.security.zap_domain = "without authenticator"; });
    check_refused([](auto& options) { options.reconnect.base = -5ms; });
    check_refused([](auto& options) { options.tuning.type_of_service = 256; });

    auto of_pair = must(pair::create(in));
    socket_options conflating;
    conflating.conflate = true;
    CHECK(code_of(of_pair.set_options(conflating)) == errc::invalid_argument);
    CHECK_FALSE(of_pair.options().conflate);

    // The next bind() has the options from before.
    auto from = must(push::create(in));
    must(from.connect(must(to.bind(tcp))));
    must(from.send(std::string(900, 'm'), test_timeout));
    CHECK(receive_text(to) == std::string(900, 'm'));
    REQUIRE(from.peers()[0].properties.size() == 1);
    CHECK(from.peers()[0].properties[0].name == "X-Kept");

    to.close(duration::zero());
    CHECK(code_of(to.set_options(good)) == errc::invalid_state);
}
