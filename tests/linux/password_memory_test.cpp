// SPDX-License-Identifier: MPL-2.0

// Passwords do not stay in memory.

#include "base/wipe.hpp"
#include "interop/raw_peer.hpp"
#include "support/sanitized.hpp"
#include "support/sockets.hpp"
#include "support/zmtp_handshake.hpp"

#include <serverlink/serverlink.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

/// A password that exists only while it is used: it is kept with other bits.
class hidden_password {
public:
    explicit hidden_password(std::size_t size) : bytes_(size)
    {
        const int source = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
        REQUIRE(::read(source, bytes_.data(), bytes_.size()) ==
                static_cast<ssize_t>(bytes_.size()));
        ::close(source);
    }
    /// To be wiped.
    [[nodiscard]] std::string reveal() const
    {
        std::string text;
        text.reserve(bytes_.size());
        for (const unsigned char each : bytes_)
            text.push_back(static_cast<char>(each ^ 0x5a));
        return text;
    }
    /// Places of the process' writable memory where 16 bytes of it stand.
    [[nodiscard]] int copies() const
    {
        int found = 0;
        std::ifstream maps("/proc/self/maps");
        const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
        REQUIRE(memory >= 0);
        std::vector<unsigned char> here(1 << 20);
        for (std::string line; std::getline(maps, line);) {
            std::size_t from = 0;
            std::size_t to = 0;
            char writable = 0;
            char readable = 0;
            if (std::sscanf(line.c_str(), "%zx-%zx %c%c", &from, &to, &readable, &writable) != 4 ||
                readable != 'r' || writable != 'w')
                continue;
            for (std::size_t at = from; at < to; at += here.size()) {
                const std::size_t wanted = std::min(here.size(), to - at);
                const ssize_t got = ::pread(memory, here.data(), wanted, static_cast<off_t>(at));
                if (got > 0)
                    found += count_in(here.data(), static_cast<std::size_t>(got));
            }
            // What was read is not to be found the next time.
            wipe(std::as_writable_bytes(std::span(here)));
        }
        ::close(memory);
        return found;
    }

private:
    [[nodiscard]] int count_in(const unsigned char* bytes, std::size_t size) const
    {
        constexpr std::size_t part = 16;
        std::array<bool, 256> begins{};
        for (std::size_t piece = 0; piece + part <= bytes_.size(); piece += part)
            begins[bytes_[piece] ^ 0x5a] = true;
        int found = 0;
        for (std::size_t at = 0; at + part <= size; ++at)
            for (std::size_t piece = 0; begins[bytes[at]] && piece + part <= bytes_.size();
                 piece += part) {
                std::size_t same = 0;
                while (same < part && bytes[at + same] == (bytes_[piece + same] ^ 0x5a))
                    ++same;
                found += same == part ? 1 : 0;
            }
        return found;
    }

    std::vector<unsigned char> bytes_;
};

void send_hello(raw_peer& peer, const hidden_password& password, std::size_t pieces)
{
    std::string secret = password.reveal();
    std::string body = std::string("\5HELLO\3ann") + static_cast<char>(secret.size()) + secret;
    std::string frame;
    if (body.size() < 256) {
        frame = std::string("\4") + static_cast<char>(body.size());
    } else {
        frame = std::string("\6\0\0\0\0\0\0", 7) + static_cast<char>(body.size() >> 8);
        frame += static_cast<char>(body.size() & 0xff);
    }
    std::string greeting = zmtp_greeting();
    greeting.replace(12, 5, "PLAIN");
    std::string all = greeting + frame + body;
    for (std::size_t piece = 0; piece < pieces; ++piece) {
        const std::size_t from = all.size() * piece / pieces;
        REQUIRE(peer.send(
            std::string_view(all).substr(from, all.size() * (piece + 1) / pieces - from)));
        if (pieces > 1)
            std::this_thread::sleep_for(2ms);
    }
    for (std::string* const each : {&secret, &body, &frame, &all})
        wipe(*each);
}

socket_options plain_server()
{
    socket_options options;
    options.security.mechanism = security_mechanism::plain_server;
    return options;
}

} // namespace

TEST_CASE("the search for copies finds one that is there")
{
    if (slow_build)
        SLK_SKIP("a sanitizer keeps more memory than can be searched");
    const hidden_password password(64);
    CHECK(password.copies() == 0);
    std::string copy = password.reveal();
    CHECK(password.copies() > 0);
    wipe(copy);
    CHECK(password.copies() == 0);
}

TEST_CASE("a refused password does not stay in memory")
{
    if (slow_build)
        SLK_SKIP("a sanitizer keeps more memory than can be searched");
    for (const std::size_t size : {std::size_t{32}, std::size_t{255}})
        for (const std::size_t pieces : {std::size_t{1}, std::size_t{5}}) {
            CAPTURE(size);
            CAPTURE(pieces);
            const hidden_password password(size);
            auto in = new_context();
            auto to = new_socket<pull>(in, plain_server());
            raw_peer peer(must(to.bind(any_tcp)));
            send_hello(peer, password, pieces);
            CHECK(peer.is_closed());
            CHECK(until([&] { return to.counters().handshake_failures == 1; }));
            CHECK(password.copies() == 0);
        }
}

TEST_CASE("a password that has arrived in part does not stay in memory")
{
    if (slow_build)
        SLK_SKIP("a sanitizer keeps more memory than can be searched");
    const hidden_password password(255);
    auto in = new_context();
    auto options = plain_server();
    options.handshake_timeout = 200ms;
    auto to = new_socket<pull>(in, options);
    raw_peer peer(must(to.bind(any_tcp)));
    std::string secret = password.reveal();
    std::string greeting = zmtp_greeting();
    greeting.replace(12, 5, "PLAIN");
    std::string all = greeting + std::string("\6\0\0\0\0\0\0\1\x0a\5HELLO\3ann\xff", 20);
    all.append(secret, 0, 200);
    REQUIRE(peer.send(all));
    wipe(secret);
    wipe(all);
    CHECK(peer.is_closed());
    CHECK(until([&] { return to.counters().handshake_failures == 1; }));
    CHECK(password.copies() == 0);
}

TEST_CASE("the passwords of sockets that are gone, and replaced ones, do not stay in memory")
{
    if (slow_build)
        SLK_SKIP("a sanitizer keeps more memory than can be searched");
    const hidden_password first(48);
    const hidden_password second(32);
    auto in = new_context();
    {
        auto options = plain_server();
        options.security.accepted = {{"ann", first.reveal()}, {"bob", second.reveal()}};
        auto to = new_socket<pull>(in, options);
        socket_options of_client = reconnect_at_once();
        of_client.security.mechanism = security_mechanism::plain_client;
        of_client.security.own = {"ann", first.reveal()};
        auto from = new_socket<push>(in, of_client);
        bind_and_connect(to, from);
        must(from.wait_ready(test_timeout));
        CHECK(first.copies() > 0);
        CHECK(second.copies() > 0);
    }
    // The last of them goes on the loop's thread.
    CHECK(until([&] { return first.copies() == 0 && second.copies() == 0; }));
    auto to = new_socket<pull>(in);
    for (const hidden_password* const each : {&first, &second}) {
        auto options = plain_server();
        options.security.accepted = {{"ann", each->reveal()}};
        must(to.set_options(options));
    }
    CHECK(first.copies() == 0);
    CHECK(second.copies() > 0);
}
