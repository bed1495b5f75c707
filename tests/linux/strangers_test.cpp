// SPDX-License-Identifier: MPL-2.0

// Strangers on real sockets: a flood of silent connections, peers that come and go while the socket
// is not used, and passwords that do not stay in memory.

#include "interop/raw_peer.hpp"
#include "linux/backends.hpp"
#include "linux/silent_flood.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"
#include "support/temporary_folder.hpp"
#include "support/zmtp_handshake.hpp"

#include <serverlink/serverlink.hpp>

#include <algorithm>

#include <malloc.h>
#include <sys/resource.h>

using namespace slk;
using namespace slk::linux_tests;
using namespace slk::testing;

namespace {

/// Allows more descriptors until it is destroyed.
class more_descriptors {
public:
    more_descriptors()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit raised = before_;
        raised.rlim_cur = std::max<rlim_t>(before_.rlim_cur, 4096);
        enough = ::setrlimit(RLIMIT_NOFILE, &raised) == 0;
    }
    more_descriptors(const more_descriptors&) = delete;
    more_descriptors& operator=(const more_descriptors&) = delete;
    ~more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

    bool enough = false;

private:
    rlimit before_{};
};

void serve_a_client_in_a_flood(const std::string& backend, const std::string& at)
{
    CAPTURE(backend);
    CAPTURE(at);
    auto in = context_on(backend);
    socket_options options;
    options.handshake_timeout = 0s; // silent connections end only when they are displaced
    auto to = new_socket<pull>(in, options);
    const std::string where = must(to.bind(at));
    const silent_flood flood(must(endpoint::parse(where)),
                             static_cast<std::size_t>(slow_build ? 500 : 1500));
    REQUIRE(until([&] { return flood.closed() > (slow_build ? 1000 : 3000); }));
    auto far = new_context();
    auto from = new_socket<push>(far, reconnect_at_once());
    must(from.connect(where));
    must(from.send("good", test_timeout));
    CHECK(receive_text(to) == "good");
    CHECK(to.endpoints()[0].last_handshake_failure == errc::connection_refused);
}

std::size_t bytes_in_use()
{
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// READY of a PUSH with a property of this size.
std::string large_ready(std::size_t size)
{
    const std::string short_form = zmtp_ready("PUSH");
    std::string body = short_form.substr(2);
    body += std::string("\7X-Large") + '\0' + '\0' + static_cast<char>(size >> 8) +
            static_cast<char>(size & 0xff) + std::string(size, 'p');
    std::string header("\6\0\0\0\0\0\0", 7);
    header += static_cast<char>(body.size() >> 8);
    header += static_cast<char>(body.size() & 0xff);
    return header + body;
}

} // namespace

TEST_CASE("a client is served while many silent connections come back at once")
{
    const more_descriptors allowed;
    if (!allowed.enough)
        SLK_SKIP("needs 4096 descriptors");
    const temporary_folder folder;
    for (const std::string& backend : working_backends()) {
        serve_a_client_in_a_flood(backend, "tcp://127.0.0.1:*");
        serve_a_client_in_a_flood(backend, "ipc://" + folder.file(backend));
    }
}

TEST_CASE("peers that come and go while the socket is not used leave nothing in memory")
{
    if (address_sanitized)
        SLK_SKIP("the address sanitizer has its own allocator");
    constexpr std::uint64_t count = 500;
    auto in = new_context();
    auto to = new_socket<pull>(in);
    const std::string where = must(to.bind(any_tcp));
    const auto come_and_go = [&] {
        const std::uint64_t before = to.counters().disconnected;
        for (std::uint64_t number = 0; number < count; ++number) {
            raw_peer peer(where);
            REQUIRE(peer.send(zmtp_greeting() + large_ready(7000)));
            // Its READY follows the greeting: the handshake is over.
            REQUIRE(peer.receive(64 + 28));
        }
        REQUIRE(until([&] { return to.counters().disconnected == before + count; }));
    };
    come_and_go();
    const std::size_t before = bytes_in_use();
    come_and_go();
    CHECK(bytes_in_use() < before + count * 100);
    CHECK(to.counters().connected == 2 * count);
    CHECK(to.peers().empty());
    CHECK(to.endpoints()[0].peers == 0);
}

TEST_CASE("of peers that leave messages and go, no more than max_peers are kept for a busy socket")
{
    auto in = new_context();
    socket_options options;
    options.max_peers = 50;
    auto to = new_socket<pull>(in, options);
    const std::string where = must(to.bind(any_tcp));
    for (int number = 0; number < 200; ++number) {
        raw_peer peer(where);
        if (peer.send(zmtp_greeting() + zmtp_ready("PUSH") + std::string("\0\4left", 6)))
            (void)peer.is_closed_within(5ms);
    }
    CHECK(until([&] {
        const socket_counters now = to.counters();
        return now.disconnected == 50 && now.handshake_failures == 150;
    }));
    for (int number = 0; number < 50; ++number)
        CHECK(receive_text(to) == "left");
    CHECK(receive_text(to, no_wait) == "(would_block)");
    CHECK(to.endpoints()[0].last_handshake_failure == errc::connection_refused);
    auto from = new_socket<push>(in, reconnect_at_once());
    must(from.connect(where));
    must(from.send("good", test_timeout));
    CHECK(receive_text(to) == "good");
}
