// SPDX-License-Identifier: MPL-2.0

// bench-frames: how fast a session finds the messages in runs of 64 KiB.

#include "zmtp/session.hpp"

#include "tools/support/command_line.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace slk;
using namespace slk::zmtp;

constexpr std::size_t run_size = 65536;
constexpr int runs = 4000;

using steady = std::chrono::steady_clock;

/// As many whole frames as fit into one run.
std::vector<std::byte> run_of(std::size_t body)
{
    std::vector<std::byte> run;
    while (run.size() + header_size(body) + body <= run_size) {
        const std::size_t before = run.size();
        run.resize(before + header_size(body) + body, std::byte{'x'});
        write_header(run.data() + before, 0, body);
    }
    return run;
}

/// The best of several rounds: in the others, other programs had a share of the processor.
template <class Work>
double best_seconds(int rounds, Work work)
{
    double best = 1e9;
    for (int round = 0; round < rounds; ++round) {
        const auto begin = steady::now();
        for (int count = 0; count < runs; ++count)
            work();
        const std::chrono::duration<double> took = steady::now() - begin;
        best = std::min(best, took.count());
    }
    return best;
}

/// Takes a session of a PULL socket to the state `ready`.
void make_ready(session& receiver)
{
    receiver.start({});
    const greeting_bytes hello = make_greeting(mechanism::null, false);
    const own_metadata push{.type = socket_type::push, .identity = {}, .application = {}};
    std::vector<std::byte> stream(hello.begin(), hello.end());
    stream.resize(greeting_size + metadata_frame_size(command_name::ready, push));
    writer out(stream.data() + greeting_size);
    write_metadata_frame(out, command_name::ready, push);
    (void)receiver.receive({}, stream);
}

/// False: messages were lost.
bool measure(std::size_t body, int rounds)
{
    const std::vector<std::byte> run = run_of(body);
    const std::size_t frames = run.size() / (header_size(body) + body);
    session_options options;
    options.metadata.type = socket_type::pull;
    session receiver(options);
    make_ready(receiver);
    std::uint64_t messages = 0;
    const double scan = best_seconds(rounds, [&] {
        byte_view rest = run;
        while (!rest.empty()) {
            const arrival seen = receiver.receive({}, rest);
            messages += seen.found.messages;
            rest = rest.subspan(seen.consumed);
        }
    });
    if (messages != static_cast<std::uint64_t>(frames * runs) * static_cast<unsigned>(rounds)) {
        std::fprintf(stderr, "%zu bytes: messages were lost\n", body);
        return false;
    }
    const double total = static_cast<double>(frames) * runs;
    const double bytes_total = static_cast<double>(run.size()) * runs;
    std::printf("%6zu bytes: %7.1f million messages/s, %7.1f GB/s, %5.2f ns each\n", body,
                total / scan / 1e6, bytes_total / scan / 1e9, scan / total * 1e9);
    return true;
}

} // namespace

int main(int count, char** words)
{
    tool::command program("bench-frames",
                          "How fast a session finds the messages in runs of 64 KiB, by the size "
                          "of the messages. The times are those of the best round.");
    int rounds = 9;
    program.number({.name = "--rounds", .help = "Rounds", .type = "N", .fallback = "9"}, rounds, 1,
                   10'000);
    program.action([&rounds] {
        bool complete = true;
        for (const std::size_t body : {0u, 8u, 64u, 255u, 256u, 1024u, 4096u})
            complete = measure(body, rounds) && complete;
        return complete ? tool::exit_ok : tool::exit_failed;
    });
    return program.run(count, words);
}
