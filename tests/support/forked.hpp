// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_FORKED_HPP
#define SLK_TESTS_SUPPORT_FORKED_HPP

/// Child processes that are copies of the test. POSIX.

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace slk::testing {

/// The exit code of a child in which a REQUIRE failed.
inline constexpr int failed_check = 99;

/// Runs `body` in a child process, which ends with its result. Returns the exit code; -1 if the
/// child was ended by a signal, as one that hangs is.
template <class Body>
int in_a_child(Body&& body)
{
    constexpr unsigned seconds = 20;
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::alarm(seconds);
        try {
            ::_exit(std::forward<Body>(body)());
        } catch (...) {
            ::_exit(failed_check);
        }
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// How a child ended that was to end itself.
struct ended_child {
    bool aborted = false;
    std::string errors; ///< what it wrote to stderr
};

/// Runs `body` in a child process.
template <class Body>
ended_child end_of_a_child(Body&& body)
{
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::close(ends[1]);
        std::signal(SIGABRT, SIG_DFL); // not doctest's
        ::alarm(20);
        std::forward<Body>(body)();
        ::_exit(0);
    }
    ::close(ends[1]);
    ended_child found;
    char some[256];
    for (ssize_t count = 0; (count = ::read(ends[0], some, sizeof some)) > 0;)
        found.errors.append(some, static_cast<std::size_t>(count));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    found.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return found;
}

} // namespace slk::testing

#endif
