// SPDX-License-Identifier: MPL-2.0

// Links, listeners and streams, loops and texts, in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <unistd.h>

namespace slk::testing {

namespace {

/// The two ends of a connection that comes again until both are there.
struct ends {
    stream here;
    stream there;
    std::byte received[64]{};
    std::size_t count = 0;
    int lost = 0;

    void begin_receive()
    {
        if (!there.receive(received, [this](result<std::size_t> got) {
                if (got && *got > 0)
                    count += *got;
                else
                    there.close();
            }))
            there.close();
    }
};

const char* run_link(const endpoint& at, const endpoint* to, name_lookup lookup = {})
{
    loop_options options = loop_on_backend();
    options.lookup = std::move(lookup);
    auto on =
        insist_with(options, [](loop_options given) { return loop::create(std::move(given)); });
    EXPECT(on);
    ends both;
    listener_options listening;
    listening.at = at;
    listening.pause = 1ms;
    auto server = insist_with(listening, [&](listener_options given) {
        listener_handlers handlers;
        handlers.accepted = [&both](stream next) {
            both.there = std::move(next);
            both.begin_receive();
        };
        handlers.failed = [](const error&) {};
        return listener::create(*on, std::move(given), std::move(handlers));
    });
    EXPECT(server);
    endpoint target = in_library([&] { return server->local_endpoint(); });
    EXPECT(insist([&]() -> result<void> {
        target = server->local_endpoint();
        return target.host.empty() ? result<void>(fail(errc::out_of_memory, phase::none))
                                   : result<void>{};
    }));
    link_options linking;
    linking.to = target;
    if (to != nullptr) {
        const std::uint16_t port = linking.to.port;
        linking.to = *to;
        linking.to.port = port;
    }
    linking.reconnect = quick().reconnect;
    auto client = insist_with(linking, [&](link_options given) {
        link_handlers handlers;
        handlers.connected = [&both](stream next) { both.here = std::move(next); };
        handlers.state_changed = [&both](const link_transition&, const link_status&) {
            ++both.lost;
        };
        return link::create(*on, std::move(given), std::move(handlers));
    });
    EXPECT(client);
    in_library([&] { client->start(); });
    static const std::string text(50, 't');
    static const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(text)),
                                                        std::as_bytes(std::span(text))};
    bool sending = false;
    for (int tries = 0; both.count == 0 && tries < 400; ++tries) {
        if (both.here && !sending) {
            const auto begun = in_library([&] {
                return both.here.send(std::span(pieces), [&](result<std::size_t> sent) {
                    sending = false;
                    if (!sent)
                        both.here.close();
                });
            });
            sending = begun.has_value();
            if (!begun)
                in_library([&] { both.here.close(); });
        }
        EXPECT(in_library([&] { return on->run_for(10ms); }));
        if (tries == 200)
            failing_memory::recover();
    }
    EXPECT(both.count > 0);
    in_library([&] { (void)client->report(); });
    in_library([&] { (void)client->recent_transitions(); });
    in_library([&] { (void)client->address_failures(); });
    bool posted = false;
    EXPECT(insist([&]() -> result<void> {
        return on->post([&posted] { posted = true; }) ? result<void>{}
                                                      : fail(errc::out_of_memory, phase::none);
    }));
    EXPECT(in_library([&] { return on->run_until([&posted] { return posted; }, 5s); }));
    EXPECT(posted);
    in_library([&] { client = fail(errc::cancelled, phase::none); });
    in_library([&] { both.here.close(); });
    in_library([&] { both.there.close(); });
    in_library([&] { server = fail(errc::cancelled, phase::none); });
    in_library([&] { on = fail(errc::cancelled, phase::none); });
    return nullptr;
}

const char* link_to_a_number()
{
    return run_link(*endpoint::parse("tcp://127.0.0.1:*"), nullptr);
}

const char* link_to_a_path()
{
    return run_link(*endpoint::parse("ipc://*"), nullptr);
}

const char* link_to_a_name()
{
    const endpoint to = *endpoint::parse("tcp://127.0.0.1;a-name-that-is-long.example:1");
    return run_link(*endpoint::parse("tcp://127.0.0.1:*"), &to,
                    [](const std::string&, std::uint16_t port) -> result<std::vector<address>> {
                        const own_code not_counted;
                        std::vector<address> found;
                        found.push_back(address::loopback(address_family::ipv4, port));
                        return found;
                    });
}

const char* link_by_the_system_resolver()
{
    const endpoint to = *endpoint::parse("tcp://localhost:1");
    return run_link(*endpoint::parse("tcp://127.0.0.1:*"), &to);
}

const char* link_from_an_interface()
{
    const endpoint to = *endpoint::parse("tcp://lo;127.0.0.1:1");
    return run_link(*endpoint::parse("tcp://lo:*"), &to);
}

const char* loops_with_threads()
{
    const auto options = loop_on_backend();
    auto on =
        insist_with(options, [](loop_options given) { return loop::create(std::move(given)); });
    EXPECT(on);
    EXPECT(insist([&] { return on->start_thread(); }));
    std::atomic<int> done{0};
    for (int number = 0; number < 5; ++number)
        EXPECT(insist([&]() -> result<void> {
            return on->post([&done] { ++done; }) ? result<void>{}
                                                 : fail(errc::out_of_memory, phase::none);
        }));
    for (int tries = 0; done < 5 && tries < 5000; ++tries)
        std::this_thread::sleep_for(1ms);
    EXPECT(done == 5);
    in_library([&] { on->stop(); });
    in_library([&] { on = fail(errc::cancelled, phase::none); });
    return nullptr;
}

const char* timed_calls()
{
    auto on = insist_with(loop_on_backend(),
                          [](loop_options given) { return loop::create(std::move(given)); });
    EXPECT(on);
    int calls = 0;
    auto once = insist([&] { return on->call_after(1ms, [&calls] { ++calls; }); });
    EXPECT(once);
    auto often = insist([&] { return on->call_every(1ms, [&calls] { ++calls; }); });
    EXPECT(often);
    EXPECT(in_library([&] { return on->run_until([&calls] { return calls > 3; }, 5s); }));
    EXPECT(calls > 3);
    in_library([&] { often->cancel(); });
    int ends[2];
    EXPECT(::pipe(ends) == 0);
    EXPECT(::write(ends[1], "x", 1) == 1);
    calls = 0;
    auto watch = insist([&] {
        return on->watch(ends[0], watch_for::readable, [&calls](descriptor_state) { ++calls; });
    });
    EXPECT(watch);
    EXPECT(in_library([&] { return on->run_until([&calls] { return calls > 1; }, 5s); }));
    EXPECT(calls > 1);
    in_library([&] { watch->cancel(); });
    ::close(ends[0]);
    ::close(ends[1]);
    in_library([&] { on = fail(errc::cancelled, phase::none); });
    return nullptr;
}

const char* texts()
{
    for (const char* const each :
         {"tcp://a-host-with-a-long-name.example:5555", "tcp://127.0.0.1:1;[2001:db8::1]:5",
          "ipc:///a/path/that/is/not/so/short", "inproc://a name that is not short",
          "tcp://10.1.2.3:0;10.200.200.200:55555"}) {
        const auto parsed = insist([&] { return endpoint::parse(each); });
        EXPECT(parsed);
        const std::string back = in_library([&] { return to_string(*parsed); });
        EXPECT(back == each || (back.empty() && failing_memory::has_failed()));
    }
    const auto where = insist([&] { return address::parse("2001:db8:1111:2222:3333::1", 55555); });
    EXPECT(where);
    in_library([&] { (void)to_string(*where); });
    in_library([&] { (void)endpoint::of(*where); });
    const error failure{errc::connection_refused, phase::connect, 111, "a detail of the failure"};
    in_library([&] { (void)to_string(failure); });
    in_library([&] { (void)to_string(link_status{.last_error = failure}, time_point{}); });
    in_library([&] { (void)to_string(link_transition{.reason = failure}, time_point{}); });
    in_library([&] { (void)loop::compiled_backends(); });
    return nullptr;
}

} // namespace

TEST_CASE("a link to a numeric address lives with a failing allocation")
{
    run_matrix("link_to_a_number", link_to_a_number);
}

TEST_CASE("a link to a path lives with a failing allocation")
{
    run_matrix("link_to_a_path", link_to_a_path);
}

TEST_CASE("a link to a name lives with a failing allocation")
{
    run_matrix("link_to_a_name", link_to_a_name);
    run_matrix("link_by_the_system_resolver", link_by_the_system_resolver);
}

TEST_CASE("a link from and to a network interface lives with a failing allocation")
{
    run_matrix("link_from_an_interface", link_from_an_interface);
}

TEST_CASE("a loop with a thread of its own lives with a failing allocation")
{
    run_matrix("loops_with_threads", loops_with_threads);
}

TEST_CASE("timed calls and watches of a loop live with a failing allocation")
{
    run_matrix("timed_calls", timed_calls);
}

TEST_CASE("texts are empty where memory is exhausted")
{
    run_matrix("texts", texts);
}

} // namespace slk::testing
