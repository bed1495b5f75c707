// SPDX-License-Identifier: MPL-2.0

// A program that is started again at once takes the address of its predecessor.

#include "link/link_rig.hpp"

#include <serverlink/context.hpp>
#include <serverlink/pull.hpp>

#include "support/forked.hpp"
#include "support/temporary_folder.hpp"

#include <csignal>

namespace slk::link_tests {

using slk::testing::in_a_child;

namespace {

constexpr int rounds = 20;

/// A process that listens there, and is killed. Returns whether it listened.
bool listens_and_dies(const endpoint& where)
{
    return in_a_child([&] {
               loop on = new_loop();
               const auto made = listener::create(on, {.at = where}, {.accepted = [](stream) {}});
               if (!made || !on.run_for(1ms))
                   return 0;
               ::raise(SIGKILL);
               return 0;
           }) == -1;
}

endpoint free_endpoint()
{
    loop on = new_loop();
    return at(free_address(on));
}

} // namespace

TEST_CASE("a listener takes the address of a process that was killed, at once")
{
    testing::temporary_folder folder;
    for (const endpoint& where : {free_endpoint(), to_endpoint("ipc://" + folder.file("socket"))}) {
        CAPTURE(to_string(where));
        for (int round = 0; round < rounds; ++round) {
            REQUIRE(listens_and_dies(where));
            loop on = new_loop();
            const auto made = listener::create(on, {.at = where}, {});
            INFO((made ? std::string() : to_string(made.error())));
            REQUIRE(made.has_value());
        }
    }
}

TEST_CASE("a socket binds to the address of a process that was killed, at once")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        const endpoint where = free_endpoint();
        for (int round = 0; round < rounds; ++round) {
            REQUIRE(listens_and_dies(where));
            auto in = context::create({.threads = threads, .loop = {.backend = wanted_backend()}});
            REQUIRE(in.has_value());
            auto puller = pull::create(*in);
            REQUIRE(puller.has_value());
            const auto bound = puller->bind(to_string(where));
            INFO((bound ? std::string() : to_string(bound.error())));
            REQUIRE(bound.has_value());
        }
    }
}

} // namespace slk::link_tests
