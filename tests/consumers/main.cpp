// SPDX-License-Identifier: MPL-2.0

// A program that uses the installed library: a link connects to a listener and receives a few
// bytes.
#include <serverlink/serverlink.hpp>

#include <array>
#include <iostream>
#include <span>
#include <string_view>

namespace {

using namespace std::chrono_literals;

constexpr std::string_view greeting = "hello";

slk::result<std::size_t> receive_greeting()
{
    std::array<std::byte, 64> buffer{};
    std::size_t received = 0;
    slk::stream at_server;
    slk::stream at_client;
    SLK_TRY(auto loop, slk::loop::create());

    slk::listener_options listen;
    SLK_TRY(listen.at, slk::endpoint::parse("tcp://127.0.0.1:*"));
    slk::listener_handlers server;
    server.accepted = [&](slk::stream accepted) {
        at_server = std::move(accepted);
        (void)at_server.send(std::as_bytes(std::span(greeting)), {});
    };
    SLK_TRY(auto listener, slk::listener::create(loop, listen, server));

    slk::link_options connect;
    SLK_TRY(connect.to, slk::endpoint::parse("tcp://" + to_string(listener.local_address())));
    slk::link_handlers client;
    client.connected = [&](slk::stream connected) {
        at_client = std::move(connected);
        (void)at_client.receive(
            buffer, [&](slk::result<std::size_t> count) { received = count.value_or(0); });
    };
    SLK_TRY(auto link, slk::link::create(loop, connect, client));
    link.start();
    SLK_TRY(loop.run_until([&] { return received > 0; }, 10s));
    return received;
}

} // namespace

int main()
{
    const auto received = receive_greeting();
    if (!received || *received != greeting.size()) {
        std::cerr << "nothing was received: " << (received ? "" : to_string(received.error()))
                  << '\n';
        return 1;
    }
    std::cout << "serverlink " << SLK_VERSION_MAJOR << '.' << SLK_VERSION_MINOR << '.'
              << SLK_VERSION_PATCH << ": " << *received << " bytes over a link\n";
    return 0;
}
