// SPDX-License-Identifier: MPL-2.0
// Signals on a loop (POSIX): the handler of a signal may do almost nothing (signal-safety(7)), so
// it writes the number of the signal to a pipe, which the loop watches. On Linux a signalfd(2) can
// take the pipe's place: see docs/event-loops.md.
//
// The program counts SIGHUPs and ends at SIGTERM or SIGINT. Without anybody to send them, it sends
// them to itself.
#include <serverlink/loop.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

int pipe_ends[2] = {-1, -1};

// A byte that finds no room is dropped: the loop has much to read then.
void pass_on(int number)
{
    const int kept = errno;
    const auto byte = static_cast<unsigned char>(number);
    (void)!::write(pipe_ends[1], &byte, 1);
    errno = kept;
}

bool install()
{
    if (::pipe(pipe_ends) != 0)
        return false;
    for (const int end : pipe_ends)
        if (::fcntl(end, F_SETFL, O_NONBLOCK) != 0 || ::fcntl(end, F_SETFD, FD_CLOEXEC) != 0)
            return false;
    struct sigaction action{};
    action.sa_handler = pass_on;
    action.sa_flags = SA_RESTART;
    for (const int number : {SIGHUP, SIGTERM, SIGINT})
        if (::sigaction(number, &action, nullptr) != 0)
            return false;
    return true;
}

slk::result<int> run()
{
    SLK_TRY(auto loop, slk::loop::create());
    int reloads = 0;
    SLK_TRY(const auto signals,
            loop.watch(pipe_ends[0], slk::watch_for::readable, [&](slk::descriptor_state) {
                unsigned char number = 0;
                while (::read(pipe_ends[0], &number, 1) == 1) {
                    if (number == SIGHUP)
                        ++reloads;
                    else
                        loop.stop();
                }
            }));
    SLK_TRY(const auto hang_up, loop.call_every(5ms, [] { ::raise(SIGHUP); }));
    SLK_TRY(const auto end, loop.call_after(18ms, [] { ::raise(SIGTERM); }));
    SLK_TRY(loop.run());
    return reloads;
}

} // namespace

int main()
{
    if (!install()) {
        std::perror("the signals");
        return 1;
    }
    const auto reloads = run();
    if (!reloads) {
        std::fprintf(stderr, "%s\n", slk::to_string(reloads.error()).c_str());
        return 1;
    }
    std::printf("%s, and ended by a signal\n", *reloads > 0 ? "reloaded" : "not reloaded");
}
