// SPDX-License-Identifier: MPL-2.0
// A test of sockets on a simulated network: the path is cut for an hour, and nothing is lost.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

// part: test
static slk::result<int> messages_that_arrive(std::uint64_t seed)
{
    SLK_TRY(auto net, slk::simulation::create({.seed = seed}));
    SLK_TRY(const auto server, net.add_host("server", {*slk::address::parse("10.0.0.1", 0)}));
    SLK_TRY(const auto client, net.add_host("client", {*slk::address::parse("10.0.0.2", 0)}));
    SLK_TRY(auto server_loop, net.create_loop(server));
    SLK_TRY(auto client_loop, net.create_loop(client));

    // From here on it is the code of any program: a context on a loop, and sockets.
    SLK_TRY(auto server_context, slk::context::on(server_loop));
    SLK_TRY(auto client_context, slk::context::on(client_loop));
    SLK_TRY(auto pull, slk::pull::create(server_context));
    SLK_TRY(pull.bind("tcp://*:5555"));
    SLK_TRY(auto push, slk::push::create(client_context));
    SLK_TRY(push.connect("tcp://server:5555"));
    SLK_TRY(push.wait_ready(10s));

    net.partition(client, server);
    net.partition(server, client);
    net.run_for(1h); // takes milliseconds
    for (int number = 0; number < 100; ++number)
        SLK_TRY(push.send(std::to_string(number)));
    net.heal();

    int arrived = 0;
    for (slk::message next; arrived < 100 && pull.receive(next, 1min); ++arrived) {
        if (next.text() != std::to_string(arrived))
            break;
    }
    return arrived;
}
// end

int main()
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto arrived = messages_that_arrive(seed);
        if (!arrived)
            std::fprintf(stderr, "%s\n", slk::to_string(arrived.error()).c_str());
        if (!arrived || *arrived != 100) {
            std::printf("seed %d fails\n", static_cast<int>(seed)); // the same seed repeats it
            return 1;
        }
    }
    std::printf("10 seeds, 100 messages each\n");
    return 0;
}
