// SPDX-License-Identifier: MPL-2.0
#include "process.hpp"

#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace slk::tool {

namespace {

/// Linux knows where the program is; elsewhere the name it was called by is looked up in PATH.
[[nodiscard]] std::string path_of_this(const std::string& called)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : called;
}

} // namespace

struct child_process::state {
    pid_t id = -1;
    bool waited_for = false;
    std::thread reading;
};

child_process::child_process(const std::string& program, const std::vector<std::string>& arguments,
                             reader output)
    : state_(std::make_unique<state>())
{
    const std::string path = path_of_this(program);
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
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
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

    // The signals that interrupt_watch blocks here must not stay blocked there.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    const int failure =
        posix_spawnp(&state_->id, path.c_str(), &files, &attributes, pointers.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        throw std::runtime_error("cannot start " + path + ": " + std::strerror(failure));
    }
    state_->reading = std::thread([from = ends[0], to = std::move(output)] {
        char bytes[4096];
        for (ssize_t count = 0; (count = read(from, bytes, sizeof bytes)) > 0;)
            to({bytes, static_cast<std::size_t>(count)});
        close(from);
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
    if (!state_->waited_for && waitpid(state_->id, nullptr, WNOHANG) == state_->id)
        state_->waited_for = true;
    return state_->waited_for;
}

void child_process::kill()
{
    if (!state_->waited_for) {
        ::kill(state_->id, SIGKILL);
        waitpid(state_->id, nullptr, 0);
        state_->waited_for = true;
    }
    if (state_->reading.joinable())
        state_->reading.join();
}

} // namespace slk::tool
