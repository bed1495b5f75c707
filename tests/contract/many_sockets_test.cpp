// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

#include <algorithm>
#include <array>
#include <vector>

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("S2: two hundred sockets that wait at once are all served")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    constexpr std::size_t count = 200;
    std::vector<socket_pair> links;
    for (std::size_t index = 0; index < count; ++index)
        links.push_back(loop.connect_pair(listener));
    std::vector<receive_op> receiving(count);
    std::vector<std::array<std::byte, 8>> buffers(count);
    for (std::size_t index = 0; index < count; ++index)
        loop.receive(receiving[index], links[index].client, buffers[index]);
    loop.turns(2);
    // From the last to the first: each receives its own byte, and no other one does.
    for (std::size_t index = count; index-- > 0;) {
        REQUIRE(loop.send_all(links[index].server, pattern(8, index)));
        REQUIRE(loop.finish(receiving[index]));
        REQUIRE(!receiving[index].failure);
        REQUIRE(receiving[index].transferred == 8);
        CHECK(std::ranges::equal(buffers[index], pattern(8, index)));
        for (std::size_t other = 0; other < index; ++other)
            REQUIRE(receiving[other].in_flight());
    }
}

SLK_CONTRACT_TEST("S3: a hundred connects that are refused at once all complete")
{
    rig loop(backend);
    const address dead = loop.dead_address();
    constexpr std::size_t count = 100;
    std::vector<connect_op> connecting(count);
    for (connect_op& op : connecting)
        loop.connect(op, loop.open(), dead);
    REQUIRE(loop.run_until([&] {
        return std::ranges::all_of(connecting, [](const connect_op& op) { return op.done(); });
    }));
    for (const connect_op& op : connecting)
        CHECK(op.failure == errc::connection_refused);
}

SLK_CONTRACT_TEST("S5: a completion may close its neighbours and open new ones, turn after turn")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    constexpr std::size_t count = 31; // every third one is written to
    std::array<socket_pair, count> links;
    std::array<receive_op, count> receiving;
    std::array<std::array<std::byte, 8>, count> buffers;
    for (int round = 0; round < 10; ++round) {
        for (std::size_t index = 0; index < count; ++index)
            links[index] = loop.connect_pair(listener);
        for (std::size_t index = 0; index < count; ++index) {
            receiving[index].then = [&, index] {
                if (receiving[index].failure)
                    return;
                // The neighbours are closed, and their numbers go to sockets without a connect.
                for (const std::size_t other : {index - 1, index + 1}) {
                    if (other >= count)
                        continue;
                    loop->close(links[other].client);
                    loop->close(loop.open());
                }
            };
            loop.receive(receiving[index], links[index].client, buffers[index]);
        }
        loop.turns(1);
        for (std::size_t index = 0; index < count; index += 3)
            REQUIRE(loop.send_all(links[index].server, pattern(8)));
        REQUIRE(loop.run_until([&] {
            return std::ranges::none_of(receiving,
                                        [](const receive_op& op) { return op.in_flight(); });
        }));
        for (std::size_t index = 0; index < count; ++index) {
            CHECK(receiving[index].completions == round + 1);
            CHECK(receiving[index].failure == (index % 3 == 0 ? errc::ok : errc::cancelled));
            loop->close(links[index].client);
            loop->close(links[index].server);
        }
    }
    CHECK(loop->open_sockets() == 1);
}
