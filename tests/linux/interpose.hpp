// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINUX_INTERPOSE_HPP
#define SLK_TESTS_LINUX_INTERPOSE_HPP

/// The system calls of this test program go through its own functions, which count them and can
/// make some of them fail. The library under test is unmodified.

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
    wait,   ///< epoll_wait, epoll_pwait2, pselect, ppoll and io_uring_enter
    ppoll,  ///< these of them
    submit, ///< io_uring_enter with something to submit
    epoll_ctl,
    setsockopt,
    so_error, ///< getsockopt(SO_ERROR)
    getpeername,
    eventfd, ///< and pipe2
    write,
    count,
};

/// The number of calls since the last reset_counts().
[[nodiscard]] int count_of(call which) noexcept;
void reset_counts() noexcept;

/// During its life, the calls of this kind with the numbers `first` to `last` (from 1 on, counted
/// from the injection) fail with the errno. For so_error the errno is the option's value.
class injection {
public:
    injection(call which, int native, int first = 1, int last = 1) noexcept;
    ~injection();
    injection(const injection&) = delete;
    injection& operator=(const injection&) = delete;

    /// The call is made, and only its result is replaced.
    injection& after_the_call() noexcept;
    /// For setsockopt: only the calls for this option count.
    injection& of_option(int level, int name) noexcept;
    /// For setsockopt: the next getpeername() after one that fails does so too, with ENOTCONN.
    injection& without_peer() noexcept;
    /// The number of calls that were made to fail.
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

/// Counts the call. Returns true if it is to fail with the errno, or (`after`) only seem to.
[[nodiscard]] bool intercepted(call which, int& native, bool& after) noexcept;

} // namespace slk::linux_tests

#endif
