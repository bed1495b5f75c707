// SPDX-License-Identifier: MPL-2.0
// A link and its peer in one program: the link connects, says hello, and reads what comes back.
#include <serverlink/serverlink.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

using namespace std::chrono_literals;

static slk::result<void> run()
{
    // Handlers use these variables; they live longer than the loop, which calls handlers at its
    // end.
    std::array<std::byte, 64> request;
    std::array<std::byte, 64> reply;
    slk::stream server;
    slk::stream client;
    bool done = false;

    SLK_TRY(auto loop, slk::loop::create());

    // The peer: accepts a connection, and sends back what it receives.
    slk::listener_handlers peer;
    peer.accepted = [&](slk::stream accepted) {
        server = std::move(accepted);
        (void)server.receive(request, [&](slk::result<std::size_t> size) {
            if (size)
                (void)server.send(std::span(request).first(*size), [](auto) {});
        });
    };
    SLK_TRY(auto listener, slk::listener::create(loop, "tcp://127.0.0.1:0", {}, peer));

    // part: link
    slk::link_handlers on;
    on.state_changed = [](const slk::link_transition& move, const slk::link_status&) {
        std::printf("%s -> %s\n", slk::name_of(move.from).data(), slk::name_of(move.to).data());
    };
    on.connected = [&](slk::stream connected) {
        client = std::move(connected); // it is ours until we close it
        static constexpr std::string_view hello = "hello";
        (void)client.send(std::as_bytes(std::span(hello)), [](auto) {});
        (void)client.receive(reply, [&](slk::result<std::size_t> size) {
            if (size)
                std::printf("%.*s\n", static_cast<int>(*size),
                            reinterpret_cast<const char*>(reply.data()));
            done = true;
        });
    };
    SLK_TRY(auto link, slk::link::create(loop, {.to = listener.local_endpoint()}, on));
    link.start();
    // end

    SLK_TRY(const bool in_time, loop.run_until([&] { return done; }, 30s));
    if (!in_time)
        return slk::fail(slk::errc::timed_out, slk::phase::transfer);
    link.stop();
    SLK_TRY(loop.run_until([&] { return link.status().state == slk::link_state::idle; }, 30s));
    return {};
}

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
