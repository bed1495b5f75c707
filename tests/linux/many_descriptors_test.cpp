// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "linux/interpose.hpp"
#include "support/skip.hpp"

#include <sys/resource.h>
#include <unistd.h>

using namespace slk;
using namespace slk::contract;
using namespace slk::linux_tests;

SLK_BACKEND_TEST("S1: descriptors far beyond FD_SETSIZE are served like any other")
{
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit raised = before;
    raised.rlim_cur = std::max<rlim_t>(before.rlim_cur, 4096);
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0)
        SLK_SKIP("needs 4096 descriptors");
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    std::vector<socket_pair> links;
    for (int number = 0; number < 1000; ++number)
        links.push_back(loop.connect_pair(listener));
    CHECK(loop->handle_of(links.back().server) > 2000);
    std::vector<receive_op> receiving(links.size());
    std::vector<std::array<std::byte, 8>> buffers(links.size());
    for (std::size_t index = 0; index < links.size(); ++index)
        loop.receive(receiving[index], links[index].client, buffers[index]);
    loop.turns(1);
    for (std::size_t index = 0; index < links.size(); ++index)
        REQUIRE(loop.send_all(links[index].server, pattern(8, index)));
    REQUIRE(loop.run_until([&] {
        return std::all_of(receiving.begin(), receiving.end(),
                           [](const receive_op& op) { return op.done(); });
    }));
    for (std::size_t index = 0; index < links.size(); ++index)
        CHECK(std::ranges::equal(buffers[index], pattern(8, index)));
    loop.end();
    ::setrlimit(RLIMIT_NOFILE, &before);
}

SLK_BACKEND_TEST("S5: a connected socket without operations does not end a wait")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    // Watched from now on, with data that no operation waits for, and room to send.
    receive_op receiving;
    std::array<std::byte, 4> buffer;
    loop.receive(receiving, link.client, buffer);
    loop.turns(1);
    REQUIRE(loop.send_all(link.server, pattern(100)));
    REQUIRE(loop.finish(receiving));
    loop.turns(1);
    reset_counts();
    CHECK(loop.turn(30ms).has_value());
    CHECK(count_of(call::wait) <= 2);
}

SLK_BACKEND_TEST("C9: a descriptor that is closed outside of the library harms no other socket")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const socket_pair other = loop.connect_pair();
    receive_op broken;
    receive_op sound;
    std::array<std::byte, 8> buffers[2];
    loop.receive(broken, link.client, buffers[0]);
    loop.receive(sound, other.client, buffers[1]);
    loop.turns(1);
    ::close(static_cast<int>(loop->handle_of(link.client)));
    loop.turns(1);
    // Only some systems report it; select() does, for all of them at once.
    if (!broken.in_flight())
        CHECK(broken.failure == errc::invalid_state);
    CHECK(sound.in_flight());
    REQUIRE(loop.send_all(other.server, pattern(8)));
    REQUIRE(loop.finish(sound));
    CHECK(sound.failure == errc::ok);
    loop.end();
}
