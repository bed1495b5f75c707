// SPDX-License-Identifier: MPL-2.0
#include "io/backend/kqueue/kqueue_poller.hpp"

#include "io/backend/kqueue/event.hpp"
#include "io/backend/readiness/readiness_poller.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <utility>

#include <sys/types.h>

#include <fcntl.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

namespace slk::io {

namespace {

using native_event = struct kevent;

static_assert(kqueue::flag_eof == EV_EOF);
static_assert(kqueue::flag_error == EV_ERROR);

native_event make_change(std::uintptr_t ident, int filter, unsigned flags, std::uintptr_t tag,
                         unsigned fflags = 0) noexcept
{
    // Field by field: their types and their order differ by system.
    native_event change{};
    change.ident = static_cast<decltype(change.ident)>(ident);
    change.filter = static_cast<decltype(change.filter)>(filter);
    change.flags = static_cast<decltype(change.flags)>(flags);
    change.fflags = static_cast<decltype(change.fflags)>(fflags);
    change.udata = reinterpret_cast<decltype(change.udata)>(tag);
    return change;
}

kqueue::filter filter_of(const native_event& native) noexcept
{
    if (native.filter == EVFILT_READ)
        return kqueue::filter::read;
    return native.filter == EVFILT_WRITE ? kqueue::filter::write : kqueue::filter::user;
}

kqueue::event from_native(const native_event& native) noexcept
{
    return {.ident = static_cast<std::uintptr_t>(native.ident),
            .filter = filter_of(native),
            .flags = static_cast<std::uint32_t>(native.flags),
            .fflags = static_cast<std::uint32_t>(native.fflags),
            .data = static_cast<std::int64_t>(native.data),
            .tag = reinterpret_cast<std::uintptr_t>(native.udata)};
}

class kqueue_poller final : public readiness_poller {
public:
    explicit kqueue_poller(clock& time) noexcept : readiness_poller(time) {}

    ~kqueue_poller() override
    {
        if (queue_ >= 0)
            ::close(queue_);
    }

    result<void> start()
    {
        queue_ = ::kqueue();
        if (queue_ < 0 || ::fcntl(queue_, F_SETFD, FD_CLOEXEC) != 0)
            return fail(os::translate(errno, phase::setup));
        native_event user[] = {
            make_change(wake_ident, EVFILT_USER, EV_ADD | EV_CLEAR | EV_RECEIPT, 0)};
        return change(user);
    }

    // close_copies() leaves the queue alone: a child does not inherit it (kqueue(2)), and its
    // number may be another descriptor's there.
    [[nodiscard]] std::string_view name() const noexcept override { return "kqueue"; }
    [[nodiscard]] native_handle wait_handle() const noexcept override { return queue_; }

    void wake() noexcept override
    {
        // A caller that finds the flag set relies on the caller that set it: the loop clears the
        // flag only after it has seen that event, and before its owner looks for work.
        if (waking_.exchange(true, std::memory_order_acq_rel))
            return;
        const native_event trigger = make_change(wake_ident, EVFILT_USER, 0, 0, NOTE_TRIGGER);
        for (int tries = 0; tries < max_interrupted_tries; ++tries) {
            if (::kevent(queue_, &trigger, 1, nullptr, 0, nullptr) >= 0)
                return;
            if (errno != EINTR)
                break;
        }
        waking_.store(false, std::memory_order_release); // the next one tries again
    }

private:
    static constexpr int batch_size = 256;
    static constexpr int max_interrupted_tries = 16;
    /// Descriptors are idents of other filters.
    static constexpr std::uintptr_t wake_ident = 0;

    /// Makes all the changes; the receipts overwrite them.
    result<void> change(std::span<native_event> changes) noexcept
    {
        const int size = static_cast<int>(changes.size());
        const timespec no_wait{};
        const int count = ::kevent(queue_, changes.data(), size, changes.data(), size, &no_wait);
        if (count < 0)
            return fail(os::translate(errno, phase::setup));
        kqueue::event receipts[2];
        std::size_t used = 0;
        for (const native_event& native : changes.first(static_cast<std::size_t>(count)))
            receipts[used++] = from_native(native);
        if (const int native = kqueue::failure_of(std::span(receipts).first(used)); native != 0)
            return fail(os::translate(native, phase::setup));
        return {};
    }

    result<void> watch(socket_id id, socket_entry& entry) override
    {
        const auto descriptor = static_cast<std::uintptr_t>(entry.handle);
        const std::uintptr_t tag = kqueue::descriptor_ids::tag_of(id);
        native_event filters[] = {
            make_change(descriptor, EVFILT_WRITE, EV_ADD | EV_CLEAR | EV_RECEIPT, tag),
            make_change(descriptor, EVFILT_READ, EV_ADD | EV_CLEAR | EV_RECEIPT, tag)};
        if (!ids_.remember(descriptor, id))
            return fail(errc::out_of_memory, phase::setup);
        // While the socket connects only the write filter: a read filter may clear a refusal from
        // the socket, and SO_ERROR would then be 0.
        auto watched = change(std::span(filters).first(entry.connecting ? 1 : 2));
        if (!watched)
            ids_.forget(descriptor); // events of a filter that was registered are ignored
        return watched;
    }

    void unwatch(socket_entry& entry) noexcept override
    {
        // The registrations end with the descriptor (kqueue(2)), even if others have copies of it.
        ids_.forget(static_cast<std::uintptr_t>(entry.handle));
    }

    /// One event of each filter; the filter that has not had its own stays, and is added again.
    result<void> start_watch(io::watch& entry) override
    {
        const auto descriptor = static_cast<std::uintptr_t>(entry.handle);
        const std::uintptr_t tag = kqueue::descriptor_ids::tag_of(entry.id);
        constexpr unsigned once = EV_ADD | EV_ONESHOT | EV_RECEIPT;
        native_event filters[2];
        std::size_t count = 0;
        if (entry.wants_write)
            filters[count++] = make_change(descriptor, EVFILT_WRITE, once, tag);
        if (entry.wants_read)
            filters[count++] = make_change(descriptor, EVFILT_READ, once, tag);
        if (!ids_.remember(descriptor, entry.id))
            return fail(errc::out_of_memory, phase::setup);
        entry.registered = true;
        return change(std::span(filters).first(count));
    }

    /// A filter that had its event is not there any more, and that is no failure.
    void stop_watch(io::watch& entry) noexcept override
    {
        if (!std::exchange(entry.registered, false))
            return;
        const auto descriptor = static_cast<std::uintptr_t>(entry.handle);
        ids_.forget(descriptor);
        native_event filters[] = {make_change(descriptor, EVFILT_WRITE, EV_DELETE | EV_RECEIPT, 0),
                                  make_change(descriptor, EVFILT_READ, EV_DELETE | EV_RECEIPT, 0)};
        (void)change(filters);
    }

    result<int> wait_once(duration timeout) override
    {
        timespec limit{};
        if (timeout != duration::max()) {
            // Some systems refuse very long times.
            const duration shortened = std::min<duration>(timeout, std::chrono::hours(24));
            const auto seconds = std::chrono::floor<std::chrono::seconds>(shortened);
            limit.tv_sec = static_cast<decltype(limit.tv_sec)>(seconds.count());
            limit.tv_nsec = static_cast<decltype(limit.tv_nsec)>((shortened - seconds).count());
        }
        const int count = ::kevent(queue_, nullptr, 0, events_, batch_size,
                                   timeout == duration::max() ? nullptr : &limit);
        if (count < 0)
            return fail(os::translate(errno, phase::none));
        return count;
    }

    bool handle_events(int count) override
    {
        bool progress = false;
        for (int index = 0; index < count; ++index) {
            const kqueue::event reported = from_native(events_[index]);
            if (reported.filter == kqueue::filter::user) {
                (void)waking_.exchange(false, std::memory_order_acq_rel);
                progress = true;
            } else {
                progress = carry_on(ids_.find(reported), kqueue::decode(reported)) || progress;
            }
        }
        return progress;
    }

    bool carry_on(socket_id id, const kqueue::meaning& event)
    {
        // The end of what is read is no failure; the reader of what is written is gone.
        if (watch_table::is_watch(id))
            return watch_ready(id, event.readable, event.writable,
                               event.failure != 0 || (event.unusual && event.writable));
        socket_entry* const entry = table().find(id);
        if (entry == nullptr)
            return false;
        const bool was_connecting = entry->connecting;
        readiness ready;
        ready.readable = event.readable;
        ready.writable = event.writable;
        ready.unusual = event.unusual;
        ready.failure = event.failure;
        const bool progress = dispatch(id, ready);
        // It had only the write filter until now: the first operation that has to wait adds the
        // other one.
        if (was_connecting && !entry->connecting)
            entry->watched = false;
        return progress;
    }

    int queue_ = -1;
    std::atomic<bool> waking_{false};
    kqueue::descriptor_ids ids_;
    native_event events_[batch_size];
};

} // namespace

result<std::unique_ptr<poller>> make_kqueue_poller(clock& time)
{
    std::unique_ptr<kqueue_poller> made(new (std::nothrow) kqueue_poller(time));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->start());
    return std::unique_ptr<poller>(std::move(made));
}

} // namespace slk::io
