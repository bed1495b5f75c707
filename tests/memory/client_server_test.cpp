// SPDX-License-Identifier: MPL-2.0

// Lives of clients and servers in which allocations fail.

#include "worlds.hpp"

#include <doctest/doctest.h>

#include <string>

namespace slk::testing {

namespace {

/// Starts requests until one has its reply. Returns null, or what went wrong.
const char* ask_and_serve(client& asks, server& serves, std::string_view text)
{
    for (int tries = 0; tries < 300; ++tries) {
        if (tries == 100)
            failing_memory::recover();
        auto started = in_library([&]() -> result<pending_reply> {
            multipart parts;
            SLK_TRY(parts.add(text));
            SLK_TRY(parts.add(std::string_view("second part")));
            return asks.start(std::move(parts), {.timeout = std::chrono::seconds(1)});
        });
        EXPECT(started || is_expected(started.error()));
        if (!started)
            continue;
        for (int looks = 0; looks < 20; ++looks) {
            (void)in_library([&] { return asks.wait_any(std::chrono::milliseconds(1)); });
            auto got = in_library([&] { return serves.receive(std::chrono::milliseconds(1)); });
            EXPECT(got || is_expected(got.error()));
            if (got) {
                const auto sent = insist([&] { return got->reply(text); });
                EXPECT(sent);
            }
            auto reply = in_library([&] { return started->wait(no_wait); });
            if (reply) {
                EXPECT((*reply)[0].text() == text);
                in_library([&] { started = fail(errc::cancelled, phase::none); });
                return nullptr;
            }
            EXPECT(is_expected(reply.error()) || reply.error() == errc::in_progress ||
                   reply.error() == errc::connection_aborted);
            if (started->done())
                break;
        }
        in_library([&] { started = fail(errc::cancelled, phase::none); });
    }
    return "no reply came, although memory had come back";
}

const char* client_and_server(const char* where, int threads)
{
    auto in = new_context(threads);
    EXPECT(in);
    client_options options;
    options.socket = quick();
    auto asks = insist_with(
        options, [&](client_options given) { return client::create(*in, std::move(given)); });
    EXPECT(asks);
    auto serves = insist_with(
        quick(), [&](router_options given) { return server::create(*in, std::move(given)); });
    EXPECT(serves);
    const auto at = insist([&] { return serves->bind(where); });
    EXPECT(at);
    EXPECT(insist([&] { return asks->connect(*at); }));
    static const std::string bytes(40'000, 'x');
    for (const std::size_t size : {5U, 200U, 40'000U})
        if (const char* const wrong =
                ask_and_serve(*asks, *serves, std::string_view(bytes).substr(0, size)))
            return wrong;
    in_library([&] { asks->close(); });
    in_library([&] { serves->close(20ms); });
    in_library([&] { asks = fail(errc::cancelled, phase::none); });
    in_library([&] { serves = fail(errc::cancelled, phase::none); });
    end(in);
    return nullptr;
}

} // namespace

TEST_CASE("clients and servers live with a failing allocation")
{
    run_matrix("client_server", [] { return client_and_server("tcp://127.0.0.1:*", 0); });
    run_matrix("client_server_with_threads",
               [] { return client_and_server("tcp://127.0.0.1:*", 1); });
    run_matrix("client_server_inproc", [] { return client_and_server("inproc://service", 0); });
}

} // namespace slk::testing
