// SPDX-License-Identifier: MPL-2.0

// Peers that break the protocol. After each of them the socket still serves a correct peer.

#include "interop_rig.hpp"
#include "support/skip.hpp"

#include <algorithm>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

socket_options strict(duration handshake = 300ms)
{
    socket_options options;
    options.handshake_timeout = handshake;
    return options;
}

/// A bound PULL whose destructor checks that it still serves a correct peer.
struct listening_pull {
    explicit listening_pull(const socket_options& options = strict())
        : ours(new_socket<pull>(mine, options))
    {
    }
    listening_pull(const listening_pull&) = delete;
    listening_pull& operator=(const listening_pull&) = delete;
    ~listening_pull()
    {
        libzmq_socket correct(libzmq, ZMQ_PUSH);
        correct.set(ZMQ_RECONNECT_IVL, 5);
        CHECK(correct.connect(where));
        CHECK(correct.send({"still", "served"}));
        // Random bytes of the other peers may have been messages that come first.
        const parts expected = {"still", "served"};
        CHECK(until([&] { return receive_from(ours) == expected; }));
    }

    error handshake_failure()
    {
        CHECK(until([&] { return status_of(ours).last_handshake_failure != errc::ok; }));
        return status_of(ours).last_handshake_failure;
    }

    context mine = new_context();
    pull ours;
    std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
};

std::size_t resident_bytes()
{
    std::ifstream numbers("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    numbers >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// The header of a long frame with that size.
std::string long_header(std::uint64_t size, char flags = 2)
{
    std::string header(9, flags);
    for (std::size_t byte = 0; byte < 8; ++byte)
        header[1 + byte] = static_cast<char>(size >> (56 - 8 * byte));
    return header;
}

/// A peer whose handshake is over.
raw_peer ready_peer_of(listening_pull& host)
{
    raw_peer peer(host.where);
    REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("PUSH")));
    REQUIRE(until([&] { return status_of(host.ours).peers == 1; }));
    return peer;
}

} // namespace

TEST_CASE("random bytes fail the handshake")
{
    listening_pull host;
    std::vector<raw_peer> peers;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        peers.emplace_back(host.where);
        peers.back().send(random_bytes(seed, 1 + seed * seed));
    }
    for (raw_peer& each : peers)
        CHECK(each.is_closed());
    CHECK(until([&] { return status_of(host.ours).handshake_failures == peers.size(); }));
    CHECK(host.ours.peers().empty());
}

TEST_CASE("random bytes after the greeting fail the handshake")
{
    listening_pull host;
    std::vector<raw_peer> peers;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        peers.emplace_back(host.where);
        peers.back().send(zmtp_greeting() + random_bytes(seed, 1 + seed * seed));
    }
    for (raw_peer& each : peers)
        CHECK(each.is_closed());
    CHECK(until([&] { return status_of(host.ours).handshake_failures == peers.size(); }));
}

TEST_CASE("random bytes after the handshake do not harm the socket")
{
    listening_pull host;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        raw_peer peer(host.where);
        peer.send(zmtp_greeting() + zmtp_ready("PUSH") + random_bytes(seed, 1 + seed * seed));
    }
}

TEST_CASE("an HTTP request fails the handshake")
{
    listening_pull host;
    raw_peer peer(host.where);
    REQUIRE(peer.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"));
    CHECK(peer.is_closed());
    CHECK(host.handshake_failure() == errc::protocol_error);
}

TEST_CASE("a peer that stops within its greeting is closed after handshake_timeout")
{
    for (const std::size_t sent : {0u, 1u, 10u, 11u, 40u, 64u, 70u}) {
        CAPTURE(sent);
        listening_pull host;
        const time_point began = system_clock_source().now();
        raw_peer peer(host.where);
        REQUIRE(peer.send((zmtp_greeting() + zmtp_ready("PUSH")).substr(0, sent)));
        CHECK(peer.is_closed());
        CHECK(system_clock_source().now() - began >= 290ms);
        CHECK(host.handshake_failure() == errc::timed_out);
    }
}

TEST_CASE("a peer that sends its greeting byte by byte is served")
{
    listening_pull host(strict(20s));
    raw_peer peer(host.where);
    const std::string message("\1\3one\0\3two", 10);
    for (const char byte : zmtp_greeting() + zmtp_ready("PUSH") + message) {
        REQUIRE(peer.send({&byte, 1}));
        std::this_thread::sleep_for(1ms);
    }
    CHECK(receive_from(host.ours) == parts{"one", "two"});
}

TEST_CASE("handshake_timeout also ends a handshake that arrives byte by byte")
{
    listening_pull host;
    raw_peer peer(host.where);
    for (const char byte : zmtp_greeting()) {
        if (!peer.send({&byte, 1}))
            break;
        std::this_thread::sleep_for(20ms);
    }
    CHECK(peer.is_closed());
    CHECK(host.handshake_failure() == errc::timed_out);
}

TEST_CASE(
    "of 1000 connections without a greeting only max_pending_handshakes stay until their timeout")
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const rlimit more{std::min<rlim_t>(files.rlim_max, 4096), files.rlim_max};
    if (files.rlim_cur < 2048 && (more.rlim_cur < 2048 || ::setrlimit(RLIMIT_NOFILE, &more) != 0))
        SLK_SKIP("needs 2048 descriptors");
    auto options = strict(1s);
    options.max_pending_handshakes = 64;
    listening_pull host(options);
    std::vector<raw_peer> peers;
    for (int number = 0; number < 1000; ++number)
        peers.emplace_back(host.where);
    CHECK(until([&] { return status_of(host.ours).handshake_failures >= 1000 - 64; }));
    for (raw_peer& each : peers)
        CHECK(each.is_closed());
    CHECK(until([&] { return status_of(host.ours).handshake_failures == 1000; }));
}

TEST_CASE("the header of a frame of 2^62 bytes does not allocate its size")
{
    auto options = strict();
    options.max_message_size = 0;
    listening_pull host(options);
    const std::size_t before = resident_bytes();
    {
        raw_peer peer = ready_peer_of(host);
        REQUIRE(peer.send(long_header(std::uint64_t{1} << 62) + random_bytes(1, 4 << 20)));
        CHECK_FALSE(peer.is_closed_within(100ms));
        CHECK(resident_bytes() < before + (std::size_t{64} << 20));
    }
    CHECK(until([&] { return host.ours.peers().empty(); }));
}

TEST_CASE("a part larger than max_message_size ends the connection, and one of that size does not")
{
    auto options = strict();
    options.max_message_size = 100'000;
    listening_pull host(options);
    {
        raw_peer peer = ready_peer_of(host);
        REQUIRE(peer.send(long_header(100'000) + random_bytes(1, 100'000)));
        CHECK(receive_from(host.ours) == parts{random_bytes(1, 100'000)});
        REQUIRE(peer.send(long_header(100'001)));
        CHECK(peer.is_closed());
        CHECK(until([&] { return host.ours.peers().empty(); }));
    }
    raw_peer peer = ready_peer_of(host);
    REQUIRE(peer.send(long_header(std::uint64_t{1} << 62)));
    CHECK(peer.is_closed());
    CHECK(until([&] { return host.ours.peers().empty(); }));
}

TEST_CASE("invalid frames end the connection")
{
    listening_pull host;
    for (const std::string& invalid :
         {long_header(std::uint64_t{1} << 63), std::string(9, '\xff'), long_header(1 << 30, 6)}) {
        raw_peer peer = ready_peer_of(host);
        REQUIRE(peer.send(invalid));
        CHECK(peer.is_closed());
        CHECK(until([&] { return host.ours.peers().empty(); }));
    }
}

TEST_CASE("reserved flags of a frame are ignored")
{
    listening_pull host;
    raw_peer peer = ready_peer_of(host);
    REQUIRE(peer.send(std::string("\xf9\3one\xf8\3two", 10)));
    CHECK(receive_from(host.ours) == parts{"one", "two"});
}

TEST_CASE("a handshake larger than max_handshake_size fails at its header")
{
    listening_pull host;
    raw_peer peer(host.where);
    REQUIRE(peer.send(zmtp_greeting() + long_header(1'000'000, 6)));
    CHECK(peer.is_closed());
    CHECK(host.handshake_failure() == errc::message_too_large);
}

TEST_CASE("many PINGs use no memory, and their sender gets PONGs when it reads again")
{
    auto options = strict();
    options.peer_timeout = 0ms;
    listening_pull host(options);
    raw_peer peer = ready_peer_of(host);
    const std::string ping("\4\7\4PING\0\0", 9);
    std::string all;
    for (int number = 0; number < 500'000; ++number)
        all += ping;
    const std::size_t before = resident_bytes();
    REQUIRE(peer.send(all));
    CHECK(resident_bytes() < before + (std::size_t{64} << 20));
    const std::string pong("\4\10\4PONGend", 10);
    std::string received;
    CHECK(until([&] {
        received += peer.receive_some();
        peer.send(std::string("\4\12\4PING\0\0end", 12));
        const bool found = received.find(pong) != std::string::npos;
        received.erase(0, received.size() - std::min(received.size(), pong.size()));
        return found;
    }));
    CHECK(status_of(host.ours).peers == 1);
}

TEST_CASE("no part is received of a message that its peer did not complete")
{
    listening_pull host;
    for (const std::size_t sent : {1u, 2u, 3u, 5u, 6u, 8u}) {
        raw_peer peer = ready_peer_of(host);
        REQUIRE(peer.send(std::string("\1\3one\0\3two", 10).substr(0, sent)));
    }
    CHECK(until([&] { return host.ours.peers().empty(); }));
    CHECK(host.ours.counters().received == 0);
}
