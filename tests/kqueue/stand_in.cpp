// SPDX-License-Identifier: MPL-2.0

// kqueue(2) for the tests, made of epoll(7): enough to run the backend on Linux. It shows that the
// backend compiles and that its calls, its registrations and its edges fit together as the manual
// page describes them. The real kernels of BSD and macOS need tests of their own.

#include <sys/event.h>

#include <cerrno>
#include <cstddef>
#include <map>
#include <mutex>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct registration {
    bool read = false;
    bool write = false;
    void* read_data = nullptr;
    void* write_data = nullptr;
    bool once = false; ///< the filters are deleted with their event
};

struct queue_state {
    int user = -1; ///< an eventfd: the one EVFILT_USER
    std::map<int, registration> registered;
};

std::mutex mutex;
std::map<int, queue_state> queues; // by the descriptor of the epoll

constexpr std::uint32_t edges_of(const registration& wanted) noexcept
{
    return (wanted.once ? 0U : EPOLLET) | (wanted.read ? EPOLLIN | EPOLLRDHUP : 0U) |
           (wanted.write ? EPOLLOUT : 0U);
}

int add_filter(int queue, queue_state& state, const struct kevent& change)
{
    const int fd = static_cast<int>(change.ident);
    registration& wanted = state.registered[fd];
    registration fresh; // closing the descriptor ended its earlier registration
    epoll_event event{};
    event.data.fd = fd;
    for (registration* const each : {&fresh, &wanted}) {
        each->once = (change.flags & EV_ONESHOT) != 0;
        if (change.filter == EVFILT_READ) {
            each->read = true;
            each->read_data = change.udata;
        } else {
            each->write = true;
            each->write_data = change.udata;
        }
    }
    event.events = edges_of(fresh);
    if (::epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) == 0) {
        wanted = fresh;
        return 0;
    }
    if (errno != EEXIST)
        return errno;
    event.events = edges_of(wanted);
    return ::epoll_ctl(queue, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

/// Registers what is left of the filters of a descriptor.
int change_registration(int queue, queue_state& state, int fd)
{
    const registration& wanted = state.registered[fd];
    epoll_event event{};
    event.events = edges_of(wanted);
    event.data.fd = fd;
    if (wanted.read || wanted.write)
        return ::epoll_ctl(queue, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
    state.registered.erase(fd);
    return ::epoll_ctl(queue, EPOLL_CTL_DEL, fd, &event) == 0 ? 0 : errno;
}

int delete_filter(int queue, queue_state& state, const struct kevent& change)
{
    const int fd = static_cast<int>(change.ident);
    const auto found = state.registered.find(fd);
    if (found == state.registered.end())
        return ENOENT;
    bool& filter = change.filter == EVFILT_READ ? found->second.read : found->second.write;
    if (!filter)
        return ENOENT;
    filter = false;
    return change_registration(queue, state, fd);
}

int apply(int queue, queue_state& state, const struct kevent& change)
{
    if (change.filter != EVFILT_USER)
        return (change.flags & EV_DELETE) != 0 ? delete_filter(queue, state, change)
                                               : add_filter(queue, state, change);
    if ((change.flags & EV_ADD) != 0) {
        state.user = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.fd = state.user;
        return ::epoll_ctl(queue, EPOLL_CTL_ADD, state.user, &event) == 0 ? 0 : errno;
    }
    const std::uint64_t one = 1;
    return ::write(state.user, &one, sizeof one) == sizeof one ? 0 : errno;
}

/// The error that BSD reports with the end of file. Some of those systems clear it from a socket
/// that connects; here every second one is cleared, so that both are tested.
unsigned error_of_connecting(int fd) noexcept
{
    int pending = 0;
    socklen_t length = sizeof pending;
    if (fd % 2 != 0)
        (void)::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length);
    return static_cast<unsigned>(pending);
}

/// Converts an event of epoll to events of both filters.
int translate(int queue, queue_state& state, const epoll_event& happened, struct kevent* into)
{
    const auto found = state.registered.find(happened.data.fd);
    if (found == state.registered.end())
        return 0;
    const int fd = found->first;
    registration& wanted = found->second;
    const bool ended = (happened.events & (EPOLLHUP | EPOLLERR)) != 0;
    const bool half = (happened.events & EPOLLRDHUP) != 0;
    int count = 0;
    if (wanted.read && ((happened.events & EPOLLIN) != 0 || ended || half)) {
        const auto flags = static_cast<unsigned short>(EV_CLEAR | (ended || half ? EV_EOF : 0));
        into[count++] = {
            static_cast<std::uintptr_t>(fd), EVFILT_READ, flags, 0, 1, wanted.read_data};
    }
    if (wanted.write && ((happened.events & EPOLLOUT) != 0 || ended)) {
        const auto flags = static_cast<unsigned short>(EV_CLEAR | (ended ? EV_EOF : 0));
        const unsigned error = ended && !wanted.read ? error_of_connecting(fd) : 0;
        into[count++] = {
            static_cast<std::uintptr_t>(fd), EVFILT_WRITE, flags, error, 1, wanted.write_data};
    }
    for (int index = 0; wanted.once && index < count; ++index)
        (into[index].filter == EVFILT_READ ? wanted.read : wanted.write) = false;
    if (wanted.once)
        (void)change_registration(queue, state, fd);
    return count;
}

int milliseconds(const timespec* timeout) noexcept
{
    if (timeout == nullptr)
        return -1;
    return static_cast<int>(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999'999) / 1'000'000);
}

} // namespace

int kqueue()
{
    const int queue = ::epoll_create1(0);
    const std::lock_guard guard(mutex);
    const auto before = queues.find(queue);
    if (before != queues.end() && before->second.user >= 0)
        ::close(before->second.user); // of a queue that had this descriptor and was closed
    queues[queue] = {};
    return queue;
}

int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const timespec* timeout)
{
    int receipts = 0;
    {
        const std::lock_guard guard(mutex);
        queue_state& state = queues[queue];
        for (int index = 0; index < change_count; ++index) {
            struct kevent change = changes[index];
            const int failure = apply(queue, state, change);
            if ((change.flags & EV_RECEIPT) == 0 && failure == 0)
                continue;
            if (receipts == event_count) {
                errno = failure;
                return -1;
            }
            change.flags = EV_ERROR;
            change.data = failure;
            events[receipts++] = change;
        }
    }
    if (receipts != 0 || event_count == 0)
        return receipts;
    epoll_event happened[64];
    const int most = event_count / 2 < 64 ? event_count / 2 : 64; // each becomes two at most
    const int ready = ::epoll_wait(queue, happened, most, milliseconds(timeout));
    if (ready < 0)
        return ready;
    int count = 0;
    const std::lock_guard guard(mutex);
    queue_state& state = queues[queue];
    for (int index = 0; index < ready; ++index) {
        if (happened[index].data.fd == state.user)
            events[count++] = {0, EVFILT_USER, EV_CLEAR, 0, 0, nullptr};
        else
            count += translate(queue, state, happened[index], events + count);
    }
    return count;
}
