// SPDX-License-Identifier: MPL-2.0
#include "child_process.hpp"

#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace slk::testing {

namespace {

constexpr int one_minute = 60'000;

} // namespace

child_process::child_process(std::vector<std::string> words)
{
    int ends[2];
    if (words.empty() || ::pipe2(ends, O_CLOEXEC) != 0)
        return;
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
    if (posix_spawnp(&id_, pointers[0], &files, nullptr, pointers.data(), environ) != 0)
        id_ = -1;
    posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    output_ = ends[0];
}

child_process::~child_process()
{
    if (output_ >= 0)
        ::close(output_);
    if (id_ > 0) {
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }
}

std::optional<std::string> child_process::line()
{
    for (;;) {
        if (const std::size_t end = read_.find('\n'); end != std::string::npos) {
            std::string text = read_.substr(0, end);
            read_.erase(0, end + 1);
            return text;
        }
        pollfd waiting{output_, POLLIN, 0};
        char buffer[4096];
        const ssize_t count = ::poll(&waiting, 1, one_minute) == 1
                                  ? ::read(output_, buffer, sizeof buffer)
                                  : ssize_t{0};
        if (count <= 0)
            return std::nullopt;
        read_.append(buffer, static_cast<std::size_t>(count));
    }
}

bool child_process::says(const std::string& text)
{
    for (auto next = line(); next; next = line())
        if (next->find(text) != std::string::npos)
            return true;
    return false;
}

void child_process::interrupt(int signal)
{
    if (id_ > 0)
        ::kill(id_, signal);
}

int child_process::end()
{
    while (line()) {
    }
    // The output is closed when the process ends; a process that hangs keeps it open.
    pollfd waiting{output_, POLLIN, 0};
    if (id_ <= 0 || ::poll(&waiting, 1, 0) != 1)
        return -1;
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace slk::testing
