// SPDX-License-Identifier: MPL-2.0

// Peers that speak something else, or mean harm. After each of them a good peer is served.

#include "interop_rig.hpp"
#include "support/skip.hpp"

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

/// A PULL that listens, and has to be in order at the end.
struct attacked {
    explicit attacked(const socket_options& options = strict())
        : ours(new_socket<pull>(mine, options))
    {
    }
    attacked(const attacked&) = delete;
    attacked& operator=(const attacked&) = delete;
    ~attacked()
    {
        libzmq_socket good(libzmq, ZMQ_PUSH);
        good.set(ZMQ_RECONNECT_IVL, 5);
        CHECK(good.connect(where));
        CHECK(good.send({"all", "is well"}));
        // What the others have sent by chance may come before.
        const parts wanted = {"all", "is well"};
        CHECK(until([&] { return receive_from(ours) == wanted; }));
    }

    error refusal()
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

/// The header of a frame of that many bytes.
std::string long_header(std::uint64_t size, char flags = 2)
{
    std::string header(9, flags);
    for (std::size_t byte = 0; byte < 8; ++byte)
        header[1 + byte] = static_cast<char>(size >> (56 - 8 * byte));
    return header;
}

/// A peer that has got through its handshake.
raw_peer guest_of(attacked& host)
{
    raw_peer peer(host.where);
    REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("PUSH")));
    REQUIRE(until([&] { return status_of(host.ours).peers == 1; }));
    return peer;
}

} // namespace

TEST_CASE("bytes by chance are no peer")
{
    attacked host;
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

TEST_CASE("a greeting with bytes by chance behind it is no peer")
{
    attacked host;
    std::vector<raw_peer> peers;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        peers.emplace_back(host.where);
        peers.back().send(zmtp_greeting() + random_bytes(seed, 1 + seed * seed));
    }
    for (raw_peer& each : peers)
        CHECK(each.is_closed());
    CHECK(until([&] { return status_of(host.ours).handshake_failures == peers.size(); }));
}

TEST_CASE("bytes by chance behind the handshake end the connection, or are messages")
{
    attacked host;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        raw_peer peer(host.where);
        peer.send(zmtp_greeting() + zmtp_ready("PUSH") + random_bytes(seed, 1 + seed * seed));
    }
}

TEST_CASE("an HTTP request is refused")
{
    attacked host;
    raw_peer peer(host.where);
    REQUIRE(peer.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n"));
    CHECK(peer.is_closed());
    CHECK(host.refusal() == errc::protocol_error);
}

TEST_CASE("a peer that falls silent within its greeting is closed after handshake_timeout")
{
    for (const std::size_t said : {0, 1, 10, 11, 40, 64, 70}) {
        CAPTURE(said);
        attacked host;
        const time_point began = system_clock_source().now();
        raw_peer peer(host.where);
        REQUIRE(peer.send((zmtp_greeting() + zmtp_ready("PUSH")).substr(0, said)));
        CHECK(peer.is_closed());
        CHECK(system_clock_source().now() - began >= 290ms);
        CHECK(host.refusal() == errc::timed_out);
    }
}

TEST_CASE("a peer that says its greeting byte by byte is served")
{
    attacked host(strict(20s));
    raw_peer peer(host.where);
    const std::string message("\1\3one\0\3two", 10);
    for (const char byte : zmtp_greeting() + zmtp_ready("PUSH") + message) {
        REQUIRE(peer.send({&byte, 1}));
        std::this_thread::sleep_for(1ms);
    }
    CHECK(receive_from(host.ours) == parts{"one", "two"});
}

TEST_CASE("byte by byte a peer does not get around handshake_timeout")
{
    attacked host;
    raw_peer peer(host.where);
    for (const char byte : zmtp_greeting()) {
        if (!peer.send({&byte, 1}))
            break;
        std::this_thread::sleep_for(20ms);
    }
    CHECK(peer.is_closed());
    CHECK(host.refusal() == errc::timed_out);
}

TEST_CASE(
    "of a thousand connections without a greeting only max_pending_handshakes stay, for a while")
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const rlimit more{std::min<rlim_t>(files.rlim_max, 4096), files.rlim_max};
    if (files.rlim_cur < 2048 && (more.rlim_cur < 2048 || ::setrlimit(RLIMIT_NOFILE, &more) != 0))
        SLK_SKIP("needs 2048 descriptors");
    auto options = strict(1s);
    options.max_pending_handshakes = 64;
    attacked host(options);
    std::vector<raw_peer> peers;
    for (int number = 0; number < 1000; ++number)
        peers.emplace_back(host.where);
    CHECK(until([&] { return status_of(host.ours).handshake_failures >= 1000 - 64; }));
    for (raw_peer& each : peers)
        CHECK(each.is_closed());
    CHECK(until([&] { return status_of(host.ours).handshake_failures == 1000; }));
}

TEST_CASE("no memory is given for the promise of a frame of 2^62 bytes")
{
    attacked host;
    const std::size_t before = resident_bytes();
    {
        raw_peer peer = guest_of(host);
        REQUIRE(peer.send(long_header(std::uint64_t{1} << 62) + random_bytes(1, 4 << 20)));
        CHECK_FALSE(peer.is_closed_within(100ms));
        CHECK(resident_bytes() < before + (std::size_t{64} << 20));
    }
    CHECK(until([&] { return host.ours.peers().empty(); }));
}

TEST_CASE(
    "a part that is larger than max_message_size ends the connection, and one as large does not")
{
    auto options = strict();
    options.max_message_size = 100'000;
    attacked host(options);
    {
        raw_peer peer = guest_of(host);
        REQUIRE(peer.send(long_header(100'000) + random_bytes(1, 100'000)));
        CHECK(receive_from(host.ours) == parts{random_bytes(1, 100'000)});
        REQUIRE(peer.send(long_header(100'001)));
        CHECK(peer.is_closed());
        CHECK(until([&] { return host.ours.peers().empty(); }));
    }
    raw_peer peer = guest_of(host);
    REQUIRE(peer.send(long_header(std::uint64_t{1} << 62)));
    CHECK(peer.is_closed());
    CHECK(until([&] { return host.ours.peers().empty(); }));
}

TEST_CASE("frames that no peer may send end the connection")
{
    attacked host;
    for (const std::string& wrong :
         {long_header(std::uint64_t{1} << 63), std::string(9, '\xff'), long_header(1 << 30, 6)}) {
        raw_peer peer = guest_of(host);
        REQUIRE(peer.send(wrong));
        CHECK(peer.is_closed());
        CHECK(until([&] { return host.ours.peers().empty(); }));
    }
}

TEST_CASE("bits of a frame that have no meaning are ignored")
{
    attacked host;
    raw_peer peer = guest_of(host);
    REQUIRE(peer.send(std::string("\xf9\3one\xf8\3two", 10)));
    CHECK(receive_from(host.ours) == parts{"one", "two"});
}

TEST_CASE("a handshake that is larger than max_handshake_size is refused before it is there")
{
    attacked host;
    raw_peer peer(host.where);
    REQUIRE(peer.send(zmtp_greeting() + long_header(1'000'000, 6)));
    CHECK(peer.is_closed());
    CHECK(host.refusal() == errc::message_too_large);
}

TEST_CASE("a flood of PING costs no memory, and its sender is answered when it reads again")
{
    auto options = strict();
    options.peer_timeout = 0ms;
    attacked host(options);
    raw_peer peer = guest_of(host);
    const std::string ping("\4\7\4PING\0\0", 9);
    std::string all;
    for (int number = 0; number < 500'000; ++number)
        all += ping;
    const std::size_t before = resident_bytes();
    REQUIRE(peer.send(all));
    CHECK(resident_bytes() < before + (std::size_t{64} << 20));
    std::string answers;
    CHECK(until([&] {
        answers += peer.receive_some();
        peer.send(std::string("\4\12\4PING\0\0end", 12));
        return answers.find("\4\10\4PONGend") != std::string::npos;
    }));
    CHECK(status_of(host.ours).peers == 1);
}

TEST_CASE("a peer that vanishes within a message leaves nothing of it")
{
    attacked host;
    for (const std::size_t said : {1, 2, 3, 5, 6, 8}) {
        raw_peer peer = guest_of(host);
        REQUIRE(peer.send(std::string("\1\3one\0\3two", 10).substr(0, said)));
    }
    CHECK(until([&] { return host.ours.peers().empty(); }));
    CHECK(host.ours.counters().received == 0);
}
