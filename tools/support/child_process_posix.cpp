// SPDX-License-Identifier: MPL-2.0
#include "tools/support/child_process.hpp"

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

namespace slk::tool {

struct child_process::state {
    pid_t id = -1;
    bool waited_for = false;
    int status = 0; ///< once it was waited for
    std::thread reading;
};

child_process::child_process(std::vector<std::string> words, error_output errors, reader output)
    : state_(std::make_unique<state>())
{
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);

    int ends[2];
    if (pipe(ends) != 0)
        throw std::runtime_error("cannot make a pipe");
    for (const int each : ends)
        fcntl(each, F_SETFD, FD_CLOEXEC);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    if (errors == error_output::to_reader)
        posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
    else if (errors == error_output::discarded)
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

    // The signals that an interrupt_watch blocks here must not stay blocked there.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    const int failure =
        posix_spawnp(&state_->id, pointers[0], &files, &attributes, pointers.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        throw std::runtime_error("cannot start " + words[0] + ": " + std::strerror(failure));
    }
    state_->reading = std::thread([from = ends[0], to = std::move(output)] {
        char bytes[4096];
        for (ssize_t count = 0; (count = read(from, bytes, sizeof bytes)) > 0;)
            to({bytes, static_cast<std::size_t>(count)});
        close(from);
        to({});
    });
}

child_process::~child_process()
{
    kill();
}

unsigned long child_process::id() const noexcept
{
    return static_cast<unsigned long>(state_->id);
}

bool child_process::ended()
{
    if (!state_->waited_for && waitpid(state_->id, &state_->status, WNOHANG) == state_->id)
        state_->waited_for = true;
    return state_->waited_for;
}

void child_process::wait()
{
    if (!state_->waited_for) {
        waitpid(state_->id, &state_->status, 0);
        state_->waited_for = true;
    }
    if (state_->reading.joinable())
        state_->reading.join();
}

std::optional<int> child_process::exit_code()
{
    if (!ended() || !WIFEXITED(state_->status))
        return std::nullopt;
    return WEXITSTATUS(state_->status);
}

void child_process::kill()
{
    if (!state_->waited_for)
        ::kill(state_->id, SIGKILL);
    wait();
}

std::optional<duration> child_process::processor_time()
{
    clockid_t clock{};
    timespec used{};
    if (state_->waited_for || clock_getcpuclockid(state_->id, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return std::nullopt;
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::string path_of_this_program(const std::string& called)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : called;
}

} // namespace slk::tool
