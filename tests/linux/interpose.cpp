// SPDX-License-Identifier: MPL-2.0
#include "linux/interpose.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slk::linux_tests {

namespace {

constexpr int any = -1; // no level and no name of a socket option

std::array<std::atomic<int>, static_cast<std::size_t>(call::count)> counts{};
thread_local held_send* own_held_send = nullptr;

struct {
    call which = call::count;
    int native = 0;
    int first = 0;
    int last = 0;
    int seen = 0;
    int hits = 0;
    bool after = false;
    int level = any;
    int name = any;
    bool without_peer = false;
} active;
std::atomic<bool> peer_gone{false}; ///< for one getpeername(), on any thread

/// Counts the call. Returns true if it is to fail.
bool fails(call which, int level = any, int name = any) noexcept
{
    ++counts[static_cast<std::size_t>(which)];
    if (active.which != which)
        return false;
    if (active.level != any && (active.level != level || active.name != name))
        return false;
    ++active.seen;
    if (active.seen < active.first || active.seen > active.last)
        return false;
    ++active.hits;
    return true;
}

/// Bypasses the functions below.
template <class... Arguments>
long system_call(long number, Arguments... arguments) noexcept
{
    using function = long (*)(long, ...);
    // Not initialised by a guarded static: libc++abi's guard makes this very call, before main.
    static std::atomic<function> real{nullptr};
    if (real.load(std::memory_order_relaxed) == nullptr)
        real.store(reinterpret_cast<function>(::dlsym(RTLD_NEXT, "syscall")),
                   std::memory_order_relaxed);
    return real.load(std::memory_order_relaxed)(number, arguments...);
}

template <class... Arguments>
long pass_unless(bool failing, long number, Arguments... arguments) noexcept
{
    if (!failing)
        return system_call(number, arguments...);
    if (active.after)
        (void)system_call(number, arguments...);
    errno = active.native;
    return -1;
}

template <class... Arguments>
long pass(call which, long number, Arguments... arguments) noexcept
{
    return pass_unless(fails(which), number, arguments...);
}

} // namespace

int count_of(call which) noexcept
{
    return counts[static_cast<std::size_t>(which)];
}

void reset_counts() noexcept
{
    for (std::atomic<int>& each : counts)
        each = 0;
}

bool intercepted(call which, int& native, bool& after) noexcept
{
    const bool shall_fail = fails(which);
    native = active.native;
    after = active.after;
    return shall_fail;
}

injection::injection(call which, int native, int first, int last) noexcept
{
    active = {.which = which, .native = native, .first = first, .last = last};
}

injection::~injection()
{
    active = {};
    peer_gone.store(false, std::memory_order_relaxed);
}

injection& injection::after_the_call() noexcept
{
    active.after = true;
    return *this;
}

injection& injection::of_option(int level, int name) noexcept
{
    active.level = level;
    active.name = name;
    return *this;
}

injection& injection::without_peer() noexcept
{
    active.without_peer = true;
    return *this;
}

int injection::hits() const noexcept
{
    return active.hits;
}

void held_send::arm() noexcept
{
    own_held_send = this;
}

void held_send::disarm() noexcept
{
    own_held_send = nullptr;
}

bool held_send::is_inside() const
{
    return descriptor() >= 0;
}

int held_send::descriptor() const
{
    const std::lock_guard lock(guard_);
    return descriptor_;
}

void held_send::let_go()
{
    const std::lock_guard lock(guard_);
    open_ = true;
    change_.notify_all();
}

void held_send::pass(int descriptor)
{
    held_send* const own = std::exchange(own_held_send, nullptr);
    if (own == nullptr)
        return;
    std::unique_lock lock(own->guard_);
    own->descriptor_ = descriptor;
    own->change_.wait(lock, [own] { return own->open_; });
}

} // namespace slk::linux_tests

using slk::linux_tests::call;
using slk::linux_tests::pass;

// A definition in the program comes before the one in the C library.
extern "C" {

int socket(int domain, int type, int protocol) noexcept
{
    return static_cast<int>(pass(call::socket, SYS_socket, domain, type, protocol));
}

int connect(int fd, const sockaddr* target, socklen_t length)
{
    return static_cast<int>(pass(call::connect, SYS_connect, fd, target, length));
}

int accept4(int fd, sockaddr* peer, socklen_t* length, int flags)
{
    return static_cast<int>(pass(call::accept4, SYS_accept4, fd, peer, length, flags));
}

ssize_t send(int fd, const void* data, size_t size, int flags)
{
    slk::linux_tests::held_send::pass(fd);
    return pass(call::send, SYS_sendto, fd, data, size, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags)
{
    slk::linux_tests::held_send::pass(fd);
    return pass(call::send, SYS_sendmsg, fd, message, flags);
}

ssize_t recv(int fd, void* data, size_t size, int flags)
{
    return pass(call::recv, SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
}

int epoll_wait(int fd, epoll_event* events, int most, int milliseconds)
{
    return static_cast<int>(
        pass(call::wait, SYS_epoll_pwait, fd, events, most, milliseconds, nullptr, std::size_t{0}));
}

int pselect(int count, fd_set* readable, fd_set* writable, fd_set* failed, const timespec* longest,
            const sigset_t* /*mask: unused here*/)
{
    timespec rest{}; // the kernel writes what is left of it
    if (longest != nullptr)
        rest = *longest;
    return static_cast<int>(pass(call::wait, SYS_pselect6, count, readable, writable, failed,
                                 longest != nullptr ? &rest : nullptr, nullptr));
}

int ppoll(pollfd* sockets, nfds_t count, const timespec* longest,
          const sigset_t* /*mask: unused here*/)
{
    timespec rest{}; // the kernel writes what is left of it
    if (longest != nullptr)
        rest = *longest;
    int native = 0;
    bool after = false;
    (void)intercepted(call::ppoll, native, after);
    return static_cast<int>(pass(call::wait, SYS_ppoll, sockets, count,
                                 longest != nullptr ? &rest : nullptr, nullptr, std::size_t{0}));
}

int epoll_ctl(int fd, int action, int target, epoll_event* event) noexcept
{
    return static_cast<int>(pass(call::epoll_ctl, SYS_epoll_ctl, fd, action, target, event));
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t length) noexcept
{
    using namespace slk::linux_tests;
    const bool failing = fails(call::setsockopt, level, name);
    if (failing && active.without_peer)
        peer_gone.store(true, std::memory_order_relaxed);
    return static_cast<int>(pass_unless(failing, SYS_setsockopt, fd, level, name, value, length));
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* length) noexcept
{
    using namespace slk::linux_tests;
    const bool asks_error = level == SOL_SOCKET && name == SO_ERROR;
    if (asks_error && fails(call::so_error)) {
        *static_cast<int*>(value) = active.native;
        return 0;
    }
    return static_cast<int>(system_call(SYS_getsockopt, fd, level, name, value, length));
}

int getpeername(int fd, sockaddr* peer, socklen_t* length) noexcept
{
    using slk::linux_tests::peer_gone;
    if (peer_gone.load(std::memory_order_relaxed) && peer_gone.exchange(false)) {
        errno = ENOTCONN;
        return -1;
    }
    return static_cast<int>(pass(call::getpeername, SYS_getpeername, fd, peer, length));
}

ssize_t write(int fd, const void* data, size_t size)
{
    return pass(call::write, SYS_write, fd, data, size);
}

int pipe2(int ends[2], int flags) noexcept
{
    return static_cast<int>(pass(call::eventfd, SYS_pipe2, ends, flags));
}

int eventfd(unsigned int value, int flags) noexcept
{
    return static_cast<int>(pass(call::eventfd, SYS_eventfd2, value, flags));
}

long syscall(long number, ...) noexcept
{
    va_list list;
    va_start(list, number);
    long arguments[6];
    for (long& argument : arguments)
        argument = va_arg(list, long);
    va_end(list);
    using slk::linux_tests::system_call;
#if defined(SYS_epoll_pwait2)
    if (number == SYS_epoll_pwait2)
        return pass(call::wait, number, arguments[0], arguments[1], arguments[2], arguments[3],
                    arguments[4], arguments[5]);
#endif
    return system_call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                       arguments[5]);
}

} // extern "C"
