// SPDX-License-Identifier: MPL-2.0

// Tasks on the simulated network that are cancelled, or destroyed, at each of their awaits: a
// scenario runs once to its end, and then again for each event of the network, after which it is
// ended.

#include "coroutine_rig.hpp"
#include "sim/sockets/simulated_sockets.hpp"
#include "support/sanitized.hpp"

#include <array>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr const char* server_endpoint = "tcp://10.0.0.1:5000";

/// No delays of connecting, and no lingering messages.
template <class Options>
Options quick(Options options = {})
{
    options = reconnect_at_once(std::move(options));
    options.linger = 0ms;
    return options;
}

/// A task, and what it has left: all of it stays when the task is gone.
struct task_pair {
    task<> of_client;
    task<> of_server;
};

enum class kind_of_end { none, cancelled, destroyed, stopped };

/// `Scenario` has tasks(), which are made once; check_end(), when they have ended by themselves;
/// and check_rest(), in any case.
template <class Scenario>
std::size_t run_until_step(std::size_t last_step, kind_of_end how)
{
    CAPTURE(last_step);
    CAPTURE(static_cast<int>(how));
    socket_world in;
    Scenario all(in);
    std::size_t steps = 0;
    {
        std::stop_source stop;
        std::optional<task_scope> client =
            must(task_scope::create(*in.client_loop, stop.get_token()));
        std::optional<task_scope> server =
            must(task_scope::create(*in.server_loop, stop.get_token()));
        const auto ended = [&] { return client->empty() && server->empty(); };
        task_pair tasks = all.tasks();
        must(client->spawn(std::move(tasks.of_client)));
        must(server->spawn(std::move(tasks.of_server)));
        const time_point limit = in.net.now() + 1min;
        while (steps < last_step && !ended()) {
            REQUIRE(in.net.step(limit));
            ++steps;
        }
        if (how == kind_of_end::none) {
            CHECK(ended());
            CHECK(!client->first_error());
            CHECK(!server->first_error());
            all.check_end();
        } else if (how == kind_of_end::destroyed) {
            client.reset();
            server.reset();
        } else {
            if (how == kind_of_end::stopped) {
                stop.request_stop();
            } else {
                client->cancel();
                server->cancel();
            }
            // What is cancelled ends at once, whatever the network does.
            CHECK(in.until(ended, 10ms));
            CHECK(!client->first_error());
            CHECK(!server->first_error());
        }
    }
    all.check_rest();
    return steps;
}

template <class Scenario>
void check_every_await()
{
    const std::size_t steps = run_until_step<Scenario>(SIZE_MAX, kind_of_end::none);
    CHECK(steps > 20);
    // The thread sanitizer finds nothing in one thread, and Wine is slow.
    const std::size_t stride = thread_sanitized ? 29 : slow_build && !address_sanitized ? 5 : 1;
    for (const kind_of_end how :
         {kind_of_end::cancelled, kind_of_end::destroyed, kind_of_end::stopped})
        for (std::size_t step = 0; step <= steps; step += stride)
            (void)run_until_step<Scenario>(step, how);
}

/// Messages with back-pressure, of one part and of several.
struct messages {
    static constexpr std::size_t count = 12;

    explicit messages(socket_world& in)
        : pulls(new_socket<pull>(in.server_context, {.receive_high_water_mark = 2, .linger = 0ms})),
          pushes(
              new_socket<push>(in.client_context, quick(push_options{.send_high_water_mark = 2})))
    {
        bind(pulls);
        connect(pushes);
    }

    task_pair tasks() { return {send_all(), receive_all()}; }

    task<> send_all()
    {
        SLK_CO_TRY(co_await async_wait_ready(pushes));
        for (; sent < count; ++sent) {
            const std::string text = std::to_string(sent);
            if (sent % 2 == 0) {
                SLK_CO_TRY(co_await async_send(pushes, text));
                continue;
            }
            multipart parts;
            SLK_CO_TRY(parts.add(text));
            SLK_CO_TRY(parts.add("second"));
            SLK_CO_TRY(co_await async_send(pushes, std::move(parts)));
        }
        co_return {};
    }
    task<> receive_all()
    {
        SLK_CO_TRY(co_await async_wait_ready(pulls));
        while (received < count) {
            multipart parts;
            SLK_CO_TRY(co_await async_receive(pulls, parts));
            take(parts);
            SLK_CO_TRY(co_await async_sleep(1ms));
        }
        co_return {};
    }
    void take(const multipart& parts)
    {
        CHECK(parts[0].text() == std::to_string(received));
        CHECK(parts.size() == 1 + received % 2);
        ++received;
    }
    void check_end() const { CHECK(received == count); }
    void check_rest()
    {
        multipart parts;
        while (pulls.receive(parts, 100ms))
            take(parts);
        CHECK(received == sent);
    }

    std::size_t sent = 0;
    std::size_t received = 0;
    pull pulls;
    push pushes;
};

/// Requests and replies.
struct requests {
    static constexpr std::size_t count = 4;

    explicit requests(socket_world& in)
        : serves(must(server::create(in.server_context, quick(router_options{})))),
          asks(must(client::create(in.client_context, {.socket = quick(dealer_options{})})))
    {
        must(serves.bind(server_endpoint));
        must(asks.connect(server_endpoint));
    }

    task_pair tasks() { return {ask(), serve()}; }

    task<> ask()
    {
        SLK_CO_TRY(co_await async_wait_ready(asks));
        for (; replies < count; ++replies) {
            SLK_CO_TRY(const auto reply, co_await async_request(asks, "request"));
            CHECK(reply[0].text() == "reply");
        }
        SLK_CO_TRY(auto started, asks.start("request"));
        SLK_CO_TRY(co_await async_wait(started));
        ++replies;
        co_return {};
    }
    task<> serve()
    {
        while (served < count + 1) {
            SLK_CO_TRY(auto request, co_await async_receive(serves));
            ++served;
            SLK_CO_TRY(co_await async_sleep(1ms));
            SLK_CO_TRY(co_await async_reply(request, "reply"));
        }
        co_return {};
    }
    void check_end() const { CHECK(replies == count + 1); }
    void check_rest() { CHECK(asks.outstanding() == 0); }

    std::size_t replies = 0;
    std::size_t served = 0;
    server serves;
    client asks;
};

/// Subscribers, and the first of several.
struct subscriptions {
    explicit subscriptions(socket_world& in)
        : publishes(new_socket<pub>(in.server_context, quick(pub_options{}))),
          listens(new_socket<sub>(in.client_context, quick(sub_options{})))
    {
        bind(publishes);
        connect(listens);
    }

    task_pair tasks() { return {listen(), publish()}; }

    task<> publish()
    {
        SLK_CO_TRY(co_await async_wait_subscribers(publishes, "news"));
        SLK_CO_TRY(co_await async_sleep(2ms));
        SLK_CO_TRY(co_await async_send(publishes, "news 1"));
        SLK_CO_TRY(co_await async_send(publishes, "news 2"));
        co_return {};
    }
    task<> listen()
    {
        SLK_CO_TRY(listens.subscribe("news"));
        message next;
        auto early = co_await with_timeout(1us, async_receive(listens, next));
        if (early || !(early.error() == errc::timed_out))
            co_return early;
        message other;
        // Each message goes to one of them only.
        auto [index, results] =
            co_await when_any(async_receive(listens, next), async_receive(listens, other));
        CHECK((index < 2));
        if (!std::get<0>(results) && !std::get<1>(results))
            co_return index == 0 ? std::get<0>(results) : std::get<1>(results);
        CHECK(std::get<0>(results).has_value() != std::get<1>(results).has_value());
        ++received;
        SLK_CO_TRY(co_await async_receive(listens, next));
        ++received;
        co_return {};
    }
    void check_end() const { CHECK(received == 2); }
    void check_rest() const {}

    std::size_t received = 0;
    pub publishes;
    sub listens;
};

/// A name, a link, a listener and streams.
struct streams {
    static constexpr std::size_t size = 100'000;

    explicit streams(socket_world& in)
        : listens(must(async_listener::create(*in.server_loop, "tcp://*:5000"))),
          client_loop(*in.client_loop)
    {
    }

    task_pair tasks() { return {send(), receive()}; }

    task<> send()
    {
        SLK_CO_TRY(const auto found, co_await async_lookup("server", 5000));
        CHECK(found.size() == 1);
        SLK_CO_TRY(auto link, async_link::create(client_loop, "tcp://server:5000"));
        SLK_CO_TRY(auto peer, co_await link.connected());
        const std::string large(size, 'x');
        SLK_CO_TRY(co_await peer.write(large));
        SLK_CO_TRY(peer.shutdown_send());
        std::array<std::byte, 10> buffer{};
        SLK_CO_TRY(const std::size_t end, co_await peer.read(buffer));
        CHECK(end == 0);
        co_return {};
    }
    task<> receive()
    {
        SLK_CO_TRY(auto peer, co_await listens.accept());
        std::array<std::byte, 3000> buffer{};
        for (;;) {
            SLK_CO_TRY(const std::size_t got, co_await peer.read(buffer));
            if (got == 0)
                co_return {};
            received += got;
        }
    }
    void check_end() const { CHECK(received == size); }
    void check_rest() const {}

    std::size_t received = 0;
    async_listener listens;
    loop& client_loop;
};

} // namespace

TEST_CASE("sends and receives may be cancelled and destroyed at each await: no message is lost")
{
    check_every_await<messages>();
}

TEST_CASE("requests and replies may be cancelled and destroyed at each await")
{
    check_every_await<requests>();
}

TEST_CASE("waits for subscribers may be cancelled and destroyed at each await")
{
    check_every_await<subscriptions>();
}

TEST_CASE("links, listeners, streams and lookups may be cancelled and destroyed at each await")
{
    check_every_await<streams>();
}
