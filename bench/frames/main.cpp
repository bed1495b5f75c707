// SPDX-License-Identifier: MPL-2.0

// bench-frames: how fast a session finds the messages in runs of 64 KiB.

#include "zmtp/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace slk;
using namespace slk::zmtp;

constexpr std::size_t run_size = 65536;
constexpr int repetitions = 9;
constexpr int runs = 4000;

using stopwatch = std::chrono::steady_clock;

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

/// The best of several: the others have shared the machine with something.
template <class Work>
double best_seconds(Work work)
{
    double best = 1e9;
    for (int round = 0; round < repetitions; ++round) {
        const auto begin = stopwatch::now();
        for (int count = 0; count < runs; ++count)
            work();
        const std::chrono::duration<double> took = stopwatch::now() - begin;
        best = std::min(best, took.count());
    }
    return best;
}

/// A session of PULL that is ready.
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

void measure(std::size_t body)
{
    const std::vector<std::byte> run = run_of(body);
    const std::size_t frames = run.size() / (header_size(body) + body);
    session_options options;
    options.metadata.type = socket_type::pull;
    session receiver(options);
    make_ready(receiver);
    std::uint64_t messages = 0;
    const double scan = best_seconds([&] {
        byte_view rest = run;
        while (!rest.empty()) {
            const arrival told = receiver.receive({}, rest);
            messages += told.found.messages;
            rest = rest.subspan(told.consumed);
        }
    });
    if (messages != static_cast<std::uint64_t>(frames) * runs * repetitions)
        std::puts("messages were lost");
    const double total = static_cast<double>(frames) * runs;
    const double bytes_total = static_cast<double>(run.size()) * runs;
    std::printf("%6zu bytes: %7.1f million messages/s, %7.1f GB/s, %5.2f ns each\n", body,
                total / scan / 1e6, bytes_total / scan / 1e9, scan / total * 1e9);
}

} // namespace

int main()
{
    for (const std::size_t body : {0u, 8u, 64u, 255u, 256u, 1024u, 4096u})
        measure(body);
}
