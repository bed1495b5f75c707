// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINUX_INTERPOSE_HPP
#define SLK_TESTS_LINUX_INTERPOSE_HPP

/// The system calls of this test program pass through functions of its own, which count them and
/// can make chosen ones fail. The library under test is the unmodified one.

#include <climits>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace slk::linux_tests {

enum class call : std::uint8_t {
    socket,
    connect,
    accept4,
    send,
    recv,
    wait,   ///< epoll_wait, epoll_pwait2, pselect and io_uring_enter
    submit, ///< io_uring_enter with something to submit
    epoll_ctl,
    setsockopt,
    so_error, ///< getsockopt(SO_ERROR)
    getpeername,
    eventfd, ///< and pipe2
    count,
};

/// How often it was called since the last reset_counts().
[[nodiscard]] int count_of(call which) noexcept;
void reset_counts() noexcept;

/// While it lives, the calls of this kind with the numbers `first` to `last` (from 1 on, counted
/// from the injection) fail with the errno. For so_error the errno is the option's value.
class injection {
public:
    injection(call which, int native, int first = 1, int last = 1) noexcept;
    ~injection();
    injection(const injection&) = delete;
    injection& operator=(const injection&) = delete;

    /// The call is made all the same, and only its result is replaced.
    injection& after_the_call() noexcept;
    /// For setsockopt: only the calls for this option count.
    injection& of_option(int level, int name) noexcept;
    /// How many calls were made to fail.
    [[nodiscard]] int hits() const noexcept;
};

/// Holds one send() or sendmsg() of one thread before its system call.
class held_send {
public:
    held_send() = default;
    held_send(const held_send&) = delete;
    held_send& operator=(const held_send&) = delete;

    /// By the thread whose next send is held. That send must come while this lives.
    void arm() noexcept;
    /// By the thread whose send is not to be held any more.
    static void disarm() noexcept;

    // Any other thread.

    /// A thread waits inside its send.
    [[nodiscard]] bool is_inside() const;
    /// The descriptor of that send.
    [[nodiscard]] int descriptor() const;
    /// The system call is made now.
    void let_go();

    /// Used by the functions that interpose.
    static void pass(int descriptor);

private:
    mutable std::mutex guard_;
    std::condition_variable change_;
    int descriptor_ = -1; ///< guarded; -1: no thread is inside
    bool open_ = false; ///< guarded
};

// For the other files that interpose.

/// Counts the call. True: it shall fail with the errno, or (`after`) only seem to.
[[nodiscard]] bool intercepted(call which, int& native, bool& after) noexcept;

} // namespace slk::linux_tests

#endif
