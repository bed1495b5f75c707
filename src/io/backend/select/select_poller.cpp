// SPDX-License-Identifier: MPL-2.0
#include "io/backend/select/select_poller.hpp"

#include "base/try_allocate.hpp"
#include "io/backend/readiness/readiness_poller.hpp"
#include "io/backend/select/socket_set.hpp"
#include "io/os/system.hpp"
#include "io/os/wake_signal.hpp"

#include <algorithm>
#include <new>
#include <vector>

namespace slk::io {

namespace {

class select_poller final : public readiness_poller {
public:
    explicit select_poller(clock& time) noexcept : readiness_poller(time) {}

    result<void> start()
    {
        SLK_TRY(wake_.open());
        return make_room(wake_.handle());
    }

    [[nodiscard]] std::string_view name() const noexcept override { return "select"; }
    void wake() noexcept override { wake_.set(); }
    void close_copies() noexcept override
    {
        readiness_poller::close_copies();
        wake_.close();
    }

private:
    struct watched_socket {
        socket_id id;
        socket_entry* entry = nullptr;
    };

    /// Makes room for one more socket. Called here and not in wait(), where a lack of memory could
    /// not be reported to the socket's owner.
    result<void> make_room(native_handle handle)
    {
        highest_ = std::max(highest_, handle);
        // With the wake signal, and the new one.
        const std::size_t count = watched_.size() + watches().count() + 2;
        for (select::socket_set* const set : {&readable_, &writable_, &failed_})
            if (!set->reserve(count, highest_))
                return fail(errc::out_of_memory, phase::setup);
        return {};
    }

    result<void> watch(socket_id id, socket_entry& entry) override
    {
        SLK_TRY(make_room(entry.handle));
        if (!try_push_back(watched_, watched_socket{id, &entry}))
            return fail(errc::out_of_memory, phase::setup);
        return {};
    }

    void unwatch(socket_entry& entry) noexcept override
    {
        const auto found =
            std::find_if(watched_.rbegin(), watched_.rend(),
                         [&entry](const watched_socket& each) { return each.entry == &entry; });
        if (found == watched_.rend())
            return;
        *found = watched_.back();
        watched_.pop_back();
    }

    result<void> start_watch(io::watch& entry) override { return make_room(entry.handle); }

    /// Called before each wait: the system overwrites the sets, and levels that stay are asked for
    /// only while an operation waits for them.
    void fill_sets() noexcept
    {
        readable_.clear();
        writable_.clear();
        failed_.clear();
        readable_.add(wake_.handle());
        for (const watched_socket& each : watched_) {
            const native_handle handle = each.entry->handle;
            if (wants_to_read(*each.entry))
                readable_.add(handle);
            if (wants_to_write(*each.entry))
                writable_.add(handle);
            // Windows reports a refused connect there and nowhere else (Microsoft, select).
            if (each.entry->connecting && wants_to_write(*each.entry))
                failed_.add(handle);
        }
        for_each_armed([this](const io::watch& each) {
            if (each.wants_read)
                readable_.add(each.handle);
            if (each.wants_write)
                writable_.add(each.handle);
            if (each.wants_write && os::exceptional_means_failed)
                failed_.add(each.handle);
        });
    }

    template <class Visit>
    void for_each_armed(Visit&& visit) const
    {
        watches().for_each([&](const io::watch& each) {
            if (each.at == io::watch::stage::armed)
                visit(each);
        });
    }

    result<int> wait_once(duration timeout) override
    {
        fill_sets();
        auto count = select::wait_for(readable_, writable_, failed_, timeout);
        if (!count && count.error() == errc::invalid_state && try_all())
            return 0;
        return count;
    }

    /// Completions are only queued here, so nothing is watched or closed meanwhile.
    bool handle_events(int /*count*/) override
    {
        bool progress = false;
        if (readable_.has(wake_.handle())) {
            wake_.clear();
            progress = true;
        }
        for (const watched_socket& each : watched_) {
            const native_handle handle = each.entry->handle;
            readiness ready;
            ready.readable = readable_.has(handle);
            ready.writable = writable_.has(handle) || failed_.has(handle);
            if (ready.readable || ready.writable)
                progress = dispatch(each.id, ready) || progress;
        }
        for_each_armed([&](const io::watch& each) {
            const bool readable = each.wants_read && readable_.has(each.handle);
            const bool writable = each.wants_write && writable_.has(each.handle);
            const bool exceptional = os::exceptional_means_failed && failed_.has(each.handle);
            if (readable || writable || exceptional)
                progress = watch_ready(each.id, readable, writable,
                                       exceptional || os::has_failed(each.handle)) ||
                           progress;
        });
        return progress;
    }

    /// A socket was closed outside of this library: the system then refuses the whole call, and
    /// does not tell which one it was. Its operations fail when they are tried, the others go on
    /// waiting.
    bool try_all()
    {
        bool progress = false;
        for (const watched_socket& each : watched_)
            progress = dispatch(each.id, {.readable = true, .writable = true}) || progress;
        for_each_armed([&](const io::watch& each) {
            if (!os::check_watchable(each.handle))
                progress = watch_ready(each.id, false, false, true, true) || progress;
        });
        return progress;
    }

    os::wake_signal wake_;
    select::socket_set readable_;
    select::socket_set writable_;
    select::socket_set failed_;
    std::vector<watched_socket> watched_;
    native_handle highest_ = invalid_handle;
};

} // namespace

result<std::unique_ptr<poller>> make_select_poller(clock& time)
{
    SLK_TRY(os::start_network());
    std::unique_ptr<select_poller> made(new (std::nothrow) select_poller(time));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->start());
    return std::unique_ptr<poller>(std::move(made));
}

} // namespace slk::io
