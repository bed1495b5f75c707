// SPDX-License-Identifier: MPL-2.0
#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace bench {

process::process(std::vector<std::string> words)
{
    std::error_code failure;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", failure);
    std::vector<char*> pointers{const_cast<char*>(program.c_str())};
    for (std::string& each : words)
        pointers.push_back(each.data());
    pointers.push_back(nullptr);

    std::array<int, 2> ends{-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        trouble_ = std::string("no pipe: ") + std::strerror(errno);
        return;
    }
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const int outcome =
        posix_spawn(&id_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (outcome != 0) {
        id_ = -1;
        trouble_ = std::string("it did not start: ") + std::strerror(outcome);
    }
}

process::~process()
{
    if (id_ > 0) {
        kill(id_, SIGKILL);
        waitpid(id_, nullptr, 0);
    }
    if (output_ >= 0)
        close(output_);
}

std::optional<std::string> process::read_line(steady::time_point deadline)
{
    while (id_ > 0) {
        const std::size_t end = unread_.find('\n');
        if (end != std::string::npos) {
            std::string line = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            return line;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
        if (left.count() <= 0) {
            trouble_ = "it said nothing in time";
            return std::nullopt;
        }
        pollfd waiting{output_, POLLIN, 0};
        if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
            continue;
        std::array<char, 512> piece{};
        const ssize_t count = read(output_, piece.data(), piece.size());
        if (count > 0)
            unread_.append(piece.data(), static_cast<std::size_t>(count));
        else
            note_end();
    }
    return std::nullopt;
}

/// It has closed its output, so it is about to end; if not, its alarm ends it.
void process::note_end()
{
    int status = 0;
    waitpid(id_, &status, 0);
    id_ = -1;
    if (WIFSIGNALED(status))
        trouble_ = "it was ended by signal " + std::to_string(WTERMSIG(status));
    else
        trouble_ = "it ended with status " + std::to_string(WEXITSTATUS(status));
}

double process::cpu_seconds() const
{
    clockid_t clock{};
    timespec used{};
    if (id_ <= 0 || clock_getcpuclockid(id_, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

} // namespace bench
