// SPDX-License-Identifier: MPL-2.0

// What peers can bring about alone, while allocations fail: handshakes with much metadata, small
// frames without end, PINGs, and connections that come and go.

#include "interop/raw_peer.hpp"
#include "worlds.hpp"

#include <doctest/doctest.h>

#include <list>

namespace slk::testing {

namespace {

using namespace std::string_literals;

/// The greeting of ZMTP 3.1 with the mechanism NULL.
std::string greeting()
{
    return "\xff"s + std::string(8, '\0') + "\x7f\x03\x01"s + "NULL" + std::string(16, '\0') +
           std::string(32, '\0');
}

std::string property(const std::string& name, const std::string& value)
{
    std::string size(4, '\0');
    for (std::size_t byte = 0; byte < 4; ++byte)
        size[byte] = static_cast<char>(value.size() >> (24 - 8 * byte));
    return static_cast<char>(name.size()) + name + size + value;
}

/// A READY of a few kilobytes.
std::string ready()
{
    std::string body = "\5READY" + property("Socket-Type", "PUSH") +
                       property("Identity", "an identity of more than fifteen bytes");
    for (int number = 0; number < 12; ++number)
        body += property("X-Number-" + std::to_string(number), std::string(200, 'v'));
    std::string header("\x06\0\0\0\0\0\0\0\0", 9);
    for (std::size_t byte = 0; byte < 8; ++byte)
        header[1 + byte] = static_cast<char>(body.size() >> (56 - 8 * byte));
    return header + body;
}

const std::string& handshake()
{
    static const std::string both = greeting() + ready();
    return both;
}

const std::string& messages()
{
    static const std::string all = [] {
        std::string frames;
        for (int number = 0; number < 200; ++number)
            frames += "\1\0\0\0"s; // a part, and an empty last part
        const std::string ping = "\4\x0b\4PING\0\0four"s;
        return frames + ping + "\0\5hello"s;
    }();
    return all;
}

const char* peers_of(socket_options options)
{
    auto in = new_context(1);
    EXPECT(in);
    auto to = new_socket<pull>(*in, options);
    EXPECT(to);
    const auto bound = insist([&] { return to->bind("tcp://127.0.0.1:*"); });
    EXPECT(bound);
    message one;
    for (int number = 0; number < 4; ++number) {
        raw_peer peer(*bound);
        (void)peer.send(handshake());
        (void)peer.send(messages());
        (void)in_library([&] { return to->receive(one, moment); });
    }
    in_library([&] { (void)to->peers(); });
    std::list<raw_peer> peers;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                const own_code not_counted;
                peers.emplace_back(*bound);
                (void)peers.back().send(handshake());
                (void)peers.back().send("\0\5again"s);
                return {};
            },
            [&] { return to->receive(one, moment); }))
        return wrong;
    in_library([&] { one.clear(); });
    end(to);
    end(in);
    return nullptr;
}

const char* hostile_peers()
{
    return peers_of(quick());
}

const char* hostile_peers_of_a_conflating_socket()
{
    socket_options options = quick();
    options.conflate = true;
    return peers_of(options);
}

} // namespace

TEST_CASE("a PULL lives with what its peers do while an allocation fails")
{
    run_matrix("hostile_peers", hostile_peers);
    run_matrix("hostile_peers_of_a_conflating_socket", hostile_peers_of_a_conflating_socket);
}

} // namespace slk::testing
