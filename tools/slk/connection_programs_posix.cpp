// SPDX-License-Identifier: MPL-2.0
#include "connection_programs.hpp"

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// How long a process may take to end after SIGTERM.
constexpr auto termination_timeout = 2s;

/// The variables of this program and one more.
class environment_with {
public:
    explicit environment_with(std::string variable) : variable_(std::move(variable))
    {
        const std::size_t name_size = variable_.find('=') + 1;
        for (char** each = environ; *each != nullptr; ++each)
            if (::strncmp(*each, variable_.c_str(), name_size) != 0)
                pointers_.push_back(*each);
        pointers_.push_back(variable_.data());
        pointers_.push_back(nullptr);
    }

    [[nodiscard]] char** data() noexcept { return pointers_.data(); }

private:
    std::string variable_;
    std::vector<char*> pointers_;
};

/// Starts `command_line` with a blocking descriptor as its stdin and stdout. Returns 0, or the
/// system's error.
[[nodiscard]] int spawn(const std::string& command_line, int descriptor, const address& peer,
                        pid_t& id)
{
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, descriptor, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, descriptor, STDOUT_FILENO);

    // The process begins with the signals as a shell has them: an interrupt_watch blocks some here,
    // and SIGPIPE is ignored.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t pipe;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe);
    // A group of its own, so that what the shell starts is terminated with it.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);

    std::string shell = "/bin/sh";
    std::string option = "-c";
    std::string line = command_line;
    char* const words[] = {shell.data(), option.data(), line.data(), nullptr};
    environment_with environment(
        "SLK_PEER=" + (peer.family == address_family::none ? std::string() : to_string(peer)));
    const int failure =
        posix_spawn(&id, shell.c_str(), &files, &attributes, words, environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

} // namespace

struct connection_programs::state {
    /// Its thread waits for the process.
    struct process {
        pid_t id = -1;
        bool ended = false;
        std::thread waiting;
    };

    std::string command_line;
    std::function<void()> ended;
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::list<process> processes;
    std::size_t running = 0;

    void wait_for(process& which)
    {
        // The id stays taken until `ended` is set, so that nobody signals another process. This
        // program has no signal handlers, so the call is not interrupted.
        siginfo_t info{};
        (void)waitid(P_PID, static_cast<id_t>(which.id), &info, WEXITED | WNOWAIT);
        {
            const std::lock_guard hold(mutex);
            int status = 0;
            (void)waitpid(which.id, &status, 0);
            which.ended = true;
            --running;
            changed.notify_all();
        }
        ended();
    }

    void signal_all(int signal)
    {
        for (const process& each : processes)
            if (!each.ended)
                (void)kill(-each.id, signal);
    }

    void forget_ended()
    {
        for (auto each = processes.begin(); each != processes.end();) {
            if (each->ended) {
                each->waiting.join(); // it needs the mutex no more
                each = processes.erase(each);
            } else {
                ++each;
            }
        }
    }
};

connection_programs::connection_programs(std::string command_line, std::function<void()> ended)
    : state_(std::make_unique<state>())
{
    state_->command_line = std::move(command_line);
    state_->ended = std::move(ended);
}

connection_programs::~connection_programs()
{
    std::unique_lock hold(state_->mutex);
    const auto none_left = [this] { return state_->running == 0; };
    state_->signal_all(SIGTERM);
    if (!state_->changed.wait_for(hold, termination_timeout, none_left)) {
        state_->signal_all(SIGKILL);
        state_->changed.wait(hold, none_left);
    }
    hold.unlock();
    for (state::process& each : state_->processes)
        each.waiting.join();
}

bool connection_programs::are_supported() noexcept
{
    return true;
}

result<void> connection_programs::start(stream accepted)
{
    const int descriptor = static_cast<int>(accepted.native_handle());
    // Programs expect that reads wait.
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) != 0)
        return fail(errc::unknown, phase::setup);
    pid_t id = -1;
    const int failure = spawn(state_->command_line, descriptor, accepted.peer_address(), id);
    // This copy only; the connection is the process' now.
    accepted.close();
    if (failure != 0)
        return fail(error{.code = errc::unknown, .phase = phase::setup, .native = failure});
    const std::lock_guard hold(state_->mutex);
    state_->forget_ended();
    state::process& added = state_->processes.emplace_back();
    added.id = id;
    ++state_->running;
    added.waiting = std::thread([this, &added] { state_->wait_for(added); });
    return {};
}

std::size_t connection_programs::running() const
{
    const std::lock_guard hold(state_->mutex);
    return state_->running;
}

} // namespace slk::tool
