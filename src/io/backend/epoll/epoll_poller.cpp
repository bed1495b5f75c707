// SPDX-License-Identifier: MPL-2.0
#include "io/backend/epoll/epoll_poller.hpp"

#include "io/backend/eventfd/wake_event.hpp"
#include "io/backend/readiness/readiness_poller.hpp"
#include "io/os/system.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slk::io {

namespace {

/// No socket has this id: an index is below UINT32_MAX.
constexpr std::uint64_t wake_key = UINT64_MAX;

std::uint64_t key_of(socket_id id) noexcept
{
    return std::uint64_t{id.generation} << 32 | id.index;
}

socket_id id_of(std::uint64_t key) noexcept
{
    return {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

#if defined(SYS_epoll_pwait2)
/// The kernel's interface has 64-bit times on every machine (linux/time_types.h).
struct kernel_timespec {
    long long seconds;
    long long nanoseconds;
};

int wait_precisely(int epoll, epoll_event* events, int max_events, duration remaining) noexcept
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(remaining);
    const kernel_timespec timeout{seconds.count(), (remaining - seconds).count()};
    return static_cast<int>(
        ::syscall(SYS_epoll_pwait2, epoll, events, max_events, &timeout, nullptr, std::size_t{0}));
}
#else
int wait_precisely(int, epoll_event*, int, duration) noexcept
{
    errno = ENOSYS;
    return -1;
}
#endif

class epoll_poller final : public readiness_poller {
public:
    explicit epoll_poller(clock& time) noexcept : readiness_poller(time) {}

    ~epoll_poller() override
    {
        if (epoll_ >= 0)
            ::close(epoll_);
    }

    result<void> start()
    {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0)
            return fail(os::translate(errno, phase::setup));
        SLK_TRY(wake_.open());
        return control(EPOLL_CTL_ADD, wake_.descriptor(), EPOLLIN | EPOLLET, wake_key);
    }

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }

    void close_copies() noexcept override
    {
        readiness_poller::close_copies();
        wake_.close();
        ::close(epoll_);
    }

    [[nodiscard]] native_handle wait_handle() const noexcept override { return epoll_; }

    void wake() noexcept override { wake_.set(); }

private:
    static constexpr int batch_size = 256;

    result<void> control(int action, int fd, std::uint32_t events, std::uint64_t key) noexcept
    {
        epoll_event event{};
        event.events = events;
        event.data.u64 = key;
        if (::epoll_ctl(epoll_, action, fd, &event) == 0)
            return {};
        return fail(os::translate(errno, phase::setup));
    }

    result<void> watch(socket_id id, socket_entry& entry) override
    {
        constexpr std::uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
        const int fd = static_cast<int>(entry.handle);
        auto added = control(EPOLL_CTL_ADD, fd, events, key_of(id));
        // The descriptor was closed outside of this library and its number used again: the table
        // knows the present socket.
        if (!added && added.error().native == EEXIST)
            return control(EPOLL_CTL_MOD, fd, events, key_of(id));
        return added;
    }

    void unwatch(socket_entry& entry) noexcept override
    {
        epoll_event unused{}; // before Linux 2.6.9 it must not be null, epoll_ctl(2)
        (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, static_cast<int>(entry.handle), &unused);
    }

    result<void> start_watch(io::watch& entry) override
    {
        const std::uint32_t events = EPOLLONESHOT |
                                     (entry.wants_read ? std::uint32_t{EPOLLIN} : 0U) |
                                     (entry.wants_write ? std::uint32_t{EPOLLOUT} : 0U);
        auto added = control(entry.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
                             static_cast<int>(entry.handle), events, key_of(entry.id));
        if (!added && added.error().native == EPERM)
            return fail(errc::not_supported, phase::setup,
                        "the system cannot wait for such a descriptor");
        if (!added && added.error().native == EEXIST)
            return fail(errc::already_exists, phase::setup, "the descriptor is the loop's own");
        entry.registered = entry.registered || added;
        return added;
    }

    void stop_watch(io::watch& entry) noexcept override
    {
        if (!std::exchange(entry.registered, false))
            return;
        epoll_event unused{};
        (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, static_cast<int>(entry.handle), &unused);
    }

    result<int> wait_once(duration timeout) override
    {
        const int count = call_wait(timeout);
        if (count < 0)
            return fail(os::translate(errno, phase::none));
        return count;
    }

    int call_wait(duration timeout) noexcept
    {
        if (precise_ && timeout != duration::zero() && timeout != duration::max()) {
            const int count = wait_precisely(epoll_, events_, batch_size, timeout);
            if (count >= 0 || (errno != ENOSYS && errno != EPERM))
                return count;
            precise_ = false; // before Linux 5.11, or a sandbox that does not know it
        }
        return ::epoll_wait(epoll_, events_, batch_size, wait_milliseconds(timeout));
    }

    bool handle_events(int count) override
    {
        bool progress = false;
        for (int index = 0; index < count; ++index) {
            const epoll_event event = events_[index];
            if (event.data.u64 == wake_key) {
                wake_.seen();
                progress = true;
                continue;
            }
            readiness ready;
            ready.readable = (event.events & EPOLLIN) != 0;
            ready.writable = (event.events & EPOLLOUT) != 0;
            ready.unusual = (event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLPRI)) != 0;
            const socket_id id = id_of(event.data.u64);
            const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
            const bool any = watch_table::is_watch(id)
                                 ? watch_ready(id, ready.readable, ready.writable, failed)
                                 : dispatch(id, ready);
            progress = any || progress;
        }
        return progress;
    }

    int epoll_ = -1;
    wake_event wake_; ///< registered by edge: every write is an event
    bool precise_ = true;
    epoll_event events_[batch_size];
};

} // namespace

result<std::unique_ptr<poller>> make_epoll_poller(clock& time)
{
    std::unique_ptr<epoll_poller> made(new (std::nothrow) epoll_poller(time));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->start());
    return std::unique_ptr<poller>(std::move(made));
}

} // namespace slk::io
