// SPDX-License-Identifier: MPL-2.0
#include "terminal.hpp"

#include <atomic>
#include <csignal>
#include <thread>
#include <utility>

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slk::tool {

void prepare_standard_streams()
{
    std::signal(SIGPIPE, SIG_IGN);
}

void make_streams_binary() {}

bool is_terminal(std::FILE* stream)
{
    return isatty(fileno(stream)) == 1;
}

bool is_pipe(std::FILE* stream)
{
    struct stat found{};
    return fstat(fileno(stream), &found) == 0 &&
           (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

std::size_t read_standard_input(std::span<std::byte> into)
{
    // This program installs no signal handlers, so the call is not interrupted.
    const ssize_t count = read(STDIN_FILENO, into.data(), into.size());
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

namespace {

std::atomic<int> interrupting_signal = 0;

} // namespace

int interrupt_watch::last_signal() noexcept
{
    return interrupting_signal;
}

struct interrupt_watch::state {
    std::function<void()> interrupted;
    sigset_t signals{};
    sigset_t before{};
    std::thread waiter;
};

interrupt_watch::interrupt_watch(std::function<void()> interrupted)
    : state_(std::make_unique<state>())
{
    state_->interrupted = std::move(interrupted);
    sigemptyset(&state_->signals);
    sigaddset(&state_->signals, SIGINT);
    sigaddset(&state_->signals, SIGTERM);
    // Not under nohup, which ignores it.
    struct sigaction hang_up{};
    if (sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler == SIG_DFL)
        sigaddset(&state_->signals, SIGHUP);
    // SIGUSR1 ends the waiting thread.
    sigaddset(&state_->signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &state_->signals, &state_->before);
    state_->waiter = std::thread([watched = state_.get()] {
        int which = 0;
        while (sigwait(&watched->signals, &which) == 0 && which != SIGUSR1) {
            interrupting_signal = which;
            watched->interrupted();
        }
    });
}

interrupt_watch::~interrupt_watch()
{
    pthread_kill(state_->waiter.native_handle(), SIGUSR1);
    state_->waiter.join();
    pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
}

} // namespace slk::tool
