// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "messaging/context_core.hpp"
#include "support/sockets.hpp"

#include <atomic>
#include <latch>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("connections are carried by the threads that affinity allows")
{
    auto in = new_context(3);
    socket_options options;
    options.affinity = 8;
    CHECK(code_of(pull::create(in, options)) == errc::invalid_argument);

    // Two of the three threads do nothing else while the third one works.
    std::latch done(1);
    std::atomic<bool> gave_up{false};
    for (const std::uint64_t busy : {1U, 4U})
        in.core()->next_carrier(busy)->loop->post([&] {
            const auto end = std::chrono::steady_clock::now() + test_timeout;
            while (!done.try_wait())
                if (std::chrono::steady_clock::now() > end)
                    return gave_up.store(true);
                else
                    std::this_thread::sleep_for(1ms);
        });
    options.affinity = 2;
    for (int round = 0; round < 6; ++round) {
        auto to = new_socket<pull>(in, options);
        auto from = new_socket<push>(in, options);
        bind_and_connect(to, from);
        must(from.send("x", test_timeout));
        CHECK(receive_text(to) == "x");
    }
    done.count_down();
    CHECK_FALSE(gave_up);
}
