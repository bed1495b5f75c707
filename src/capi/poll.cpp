// SPDX-License-Identifier: MPL-2.0

// slk_poll, and pollers.

#include <serverlink/wait.hpp>

#include "base/try_allocate.hpp"
#include "capi/handles.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <span>
#include <thread>
#include <vector>

namespace slk::capi {

namespace {

constexpr short all_events = SLK_POLLIN | SLK_POLLOUT | SLK_POLLERR;

/// A socket, or where that is null a descriptor; and what is waited for.
struct watched_item {
    slk_socket_t* socket = nullptr;
    std::intptr_t descriptor = -1;
    short events = 0;
    short found = 0;
};

timeout limit_of_wait(long milliseconds) noexcept
{
    if (milliseconds < 0)
        return {};
    return std::chrono::milliseconds(milliseconds);
}

bool is_watched(const watched_item& descriptor) noexcept
{
    return descriptor.descriptor != -1 && (descriptor.events & all_events) != 0;
}

/// Waits for some items. Their sockets are in use as long as it lives.
class item_wait {
public:
    /// Returns how many items are ready. Errors: those of slk::wait(), and `code` is set for them.
    result<std::size_t> run(std::span<watched_item> items, long milliseconds);
    /// The reason in the numbers of slk_errno().
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    result<std::size_t> begin(std::span<watched_item> items);
    std::size_t collect(std::span<watched_item> items) noexcept;

    std::vector<socket_call> calls_;
    std::vector<wait_item> waits_;
    int code_ = 0;
};

/// Returns how many sockets are ready whatever their connections do: those in the middle of a
/// message.
result<std::size_t> item_wait::begin(std::span<watched_item> items)
{
    if (!try_reserve(calls_, items.size()) || !try_reserve(waits_, items.size())) {
        code_ = SLK_ENOMEM;
        return fail(errc::out_of_memory, phase::none);
    }
    std::size_t ready = 0;
    for (watched_item& each : items) {
        each.found = 0;
        wait_item made;
        made.to_receive = (each.events & SLK_POLLIN) != 0;
        made.to_send = (each.events & SLK_POLLOUT) != 0;
        if (each.socket == nullptr) {
            made.descriptor = each.descriptor;
            made.to_fail = (each.events & SLK_POLLERR) != 0;
            // Nothing is waited for, or it is left out, as poll(2) does.
            if (is_watched(each))
                waits_.push_back(made);
            continue;
        }
        calls_.push_back(socket_call(each.socket));
        code_ = calls_.back().code();
        if (code_ != 0)
            return fail(errc::invalid_argument, phase::none);
        frame_socket& socket = *each.socket->socket;
        made.on = &socket;
        made.to_receive = made.to_receive && socket.receives();
        made.to_send = made.to_send && socket.sends();
        if ((made.to_receive && socket.is_receiving()) || (made.to_send && socket.is_sending()))
            ++ready;
        waits_.push_back(made);
    }
    return ready;
}

std::size_t item_wait::collect(std::span<watched_item> items) noexcept
{
    std::size_t ready = 0;
    std::size_t next = 0;
    for (watched_item& each : items) {
        bool to_receive = (each.events & SLK_POLLIN) != 0;
        bool to_send = (each.events & SLK_POLLOUT) != 0;
        const bool to_fail = each.socket == nullptr && (each.events & SLK_POLLERR) != 0;
        bool readable = false, writable = false, failed = false;
        if (each.socket != nullptr) {
            const frame_socket& socket = *each.socket->socket;
            to_receive = to_receive && socket.receives();
            to_send = to_send && socket.sends();
            readable = socket.is_receiving();
            writable = socket.is_sending();
        }
        if (each.socket != nullptr || is_watched(each)) {
            const wait_item& done = waits_[next++];
            readable = readable || done.readable;
            writable = writable || done.writable;
            failed = done.failed;
        }
        each.found = static_cast<short>((to_receive && readable ? SLK_POLLIN : 0) |
                                        (to_send && writable ? SLK_POLLOUT : 0) |
                                        (to_fail && failed ? SLK_POLLERR : 0));
        ready += each.found != 0 ? 1 : 0;
    }
    return ready;
}

result<std::size_t> item_wait::run(std::span<watched_item> items, long milliseconds)
{
    SLK_TRY(const std::size_t ready, begin(items));
    const timeout limit = ready > 0 ? timeout(no_wait) : limit_of_wait(milliseconds);
    if (waits_.empty()) {
        // Nothing can become ready.
        const auto wait_for = std::min<duration>(limit.max_wait, std::chrono::hours(24 * 365));
        std::this_thread::sleep_for(wait_for);
        return std::size_t{0};
    }
    const auto waited = wait(waits_, limit);
    if (waited || waited.error() == errc::timed_out || waited.error() == errc::would_block)
        return collect(items);
    code_ = code_of(waited.error());
    return fail(waited.error());
}

/// What a poller is. Of a handle_pool.
class poller {
public:
    std::atomic<handle_tag> tag{handle_tag::none};
    poller* next = nullptr;

    struct entry {
        watched_item item;
        void* user_data = nullptr;
    };

    [[nodiscard]] entry* find(const slk_socket_t* socket) noexcept
    {
        const auto found = std::ranges::find_if(
            entries_, [&](const entry& each) { return each.item.socket == socket; });
        return found != entries_.end() ? &*found : nullptr;
    }
    [[nodiscard]] entry* find(std::intptr_t descriptor) noexcept
    {
        const auto found = std::ranges::find_if(entries_, [&](const entry& each) {
            return each.item.socket == nullptr && each.item.descriptor == descriptor;
        });
        return found != entries_.end() ? &*found : nullptr;
    }
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool add(const entry& made) noexcept { return try_push_back(entries_, made); }
    void remove(const entry& which) noexcept
    {
        entries_.erase(entries_.begin() + (&which - entries_.data()));
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    void clear() noexcept
    {
        entries_ = {};
        items_ = {};
    }

    /// Waits, and stores the events of at most `into.size()` items, in their order. Returns their
    /// number. On an error errno is set.
    int wait_for(std::span<slk_poller_event_t> into, long milliseconds);

private:
    std::vector<entry> entries_;
    std::vector<watched_item> items_;
};

constinit handle_pool<poller> free_pollers;

/// Null if it is none, or none any more.
poller* poller_at(void* handle) noexcept
{
    auto* const found = static_cast<poller*>(handle);
    const bool is_one =
        found != nullptr && found->tag.load(std::memory_order_acquire) == handle_tag::poller;
    return is_one ? found : nullptr;
}

void make_empty(slk_poller_event_t& of) noexcept
{
    of = {};
    of.fd = static_cast<slk_fd_t>(-1);
}

int errno_of(int code) noexcept
{
    switch (code) {
    case SLK_ENOMEM: return ENOMEM;
    case SLK_EINVAL: return EBADF; // of all arguments only a descriptor can be wrong
    default: return ENOTSOCK; // the context of a socket was destroyed
    }
}

int poller::wait_for(std::span<slk_poller_event_t> into, long milliseconds)
{
    for (slk_poller_event_t& each : into)
        make_empty(each);
    if (entries_.empty() && milliseconds < 0)
        return fail_with_errno(EFAULT);
    if (!try_resize(items_, entries_.size()))
        return fail_with_errno(ENOMEM);
    std::ranges::transform(entries_, items_.begin(), &entry::item);
    item_wait waiting;
    if (const auto ready = waiting.run(items_, milliseconds); !ready)
        return fail_with_errno(errno_of(waiting.code()));
    std::size_t count = 0;
    for (std::size_t index = 0; index < items_.size() && count < into.size(); ++index) {
        if (items_[index].found == 0)
            continue;
        slk_poller_event_t& event = into[count++];
        event.socket = items_[index].socket;
        if (items_[index].socket == nullptr)
            event.fd = static_cast<slk_fd_t>(items_[index].descriptor);
        event.user_data = entries_[index].user_data;
        event.events = items_[index].found;
    }
    return count > 0 ? static_cast<int>(count) : fail_with_errno(EAGAIN);
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

int slk_poll(slk_pollitem_t* items, int nitems, long timeout)
{
    if (items == nullptr || nitems < 1)
        return fail_with(SLK_EINVAL);
    const std::span<slk_pollitem_t> all(items, static_cast<std::size_t>(nitems));
    std::vector<watched_item> watched;
    if (!slk::try_resize(watched, all.size()))
        return fail_with(SLK_ENOMEM);
    std::ranges::transform(all, watched.begin(), [](const slk_pollitem_t& each) {
        return watched_item{each.socket, each.fd, each.events, 0};
    });
    item_wait waiting;
    const auto ready = waiting.run(watched, timeout);
    for (std::size_t index = 0; index < all.size(); ++index)
        all[index].revents = ready ? watched[index].found : short{0};
    return ready ? static_cast<int>(*ready) : fail_with(waiting.code());
}

// --- pollers ---

void* slk_poller_new(void)
{
    poller* const made = free_pollers.take();
    if (made == nullptr)
        fail_with_errno(ENOMEM);
    else
        made->tag.store(handle_tag::poller, std::memory_order_release);
    return made;
}

int slk_poller_destroy(void** poller)
{
    auto* const found = poller != nullptr ? poller_at(*poller) : nullptr;
    if (found == nullptr)
        return fail_with_errno(EFAULT);
    found->clear();
    found->tag.store(handle_tag::none, std::memory_order_release);
    free_pollers.give_back(*found);
    *poller = nullptr;
    return 0;
}

int slk_poller_size(void* poller)
{
    const auto* const found = poller_at(poller);
    return found != nullptr ? static_cast<int>(found->size()) : fail_with_errno(EFAULT);
}

namespace {

bool are_events(short events) noexcept
{
    return (events & ~all_events) == 0;
}

/// 0, or the errno for such a socket.
int check_socket(void* socket) noexcept
{
    if (socket == nullptr)
        return ENOTSOCK;
    const auto tag = static_cast<slk_socket_t*>(socket)->tag.load(std::memory_order_acquire);
    return tag == handle_tag::socket || tag == handle_tag::ending ? 0 : ENOTSOCK;
}

bool is_descriptor(slk_fd_t fd) noexcept
{
#if defined(_WIN32)
    return fd != static_cast<slk_fd_t>(-1);
#else
    return fd >= 0;
#endif
}

/// `find`: an entry or null; `then`: what becomes of it.
template <class Find, class Then>
int change(void* poller, int wrong, short events, Find find, Then then)
{
    auto* const in = poller_at(poller);
    if (in == nullptr)
        return fail_with_errno(EFAULT);
    if (wrong != 0)
        return fail_with_errno(wrong);
    auto* const found = find(*in);
    if (found == nullptr || !are_events(events))
        return fail_with_errno(EINVAL);
    then(*in, *found);
    return 0;
}

template <class Find>
int add(void* poller, int wrong, Find find, watched_item item, void* user_data)
{
    auto* const in = poller_at(poller);
    if (in == nullptr)
        return fail_with_errno(EFAULT);
    if (wrong != 0)
        return fail_with_errno(wrong);
    if (find(*in) != nullptr || !are_events(item.events))
        return fail_with_errno(EINVAL);
    return in->add({item, user_data}) ? 0 : fail_with_errno(ENOMEM);
}

auto of_socket(void* socket) noexcept
{
    return [socket](class poller& in) { return in.find(static_cast<slk_socket_t*>(socket)); };
}

auto of_descriptor(slk_fd_t fd) noexcept
{
    return [fd](class poller& in) { return in.find(static_cast<std::intptr_t>(fd)); };
}

constexpr auto removes = [](class poller& in, struct poller::entry& found) { in.remove(found); };

auto sets(short events) noexcept
{
    return [events](class poller&, poller::entry& found) { found.item.events = events; };
}

} // namespace

int slk_poller_add(void* poller, void* socket, void* user_data, short events)
{
    return add(poller, check_socket(socket), of_socket(socket),
               {static_cast<slk_socket_t*>(socket), -1, events, 0}, user_data);
}

int slk_poller_modify(void* poller, void* socket, short events)
{
    return change(poller, check_socket(socket), events, of_socket(socket), sets(events));
}

int slk_poller_remove(void* poller, void* socket)
{
    return change(poller, socket == nullptr ? ENOTSOCK : 0, 0, of_socket(socket), removes);
}

int slk_poller_add_fd(void* poller, slk_fd_t fd, void* user_data, short events)
{
    return add(poller, is_descriptor(fd) ? 0 : EBADF, of_descriptor(fd),
               {nullptr, static_cast<std::intptr_t>(fd), events, 0}, user_data);
}

int slk_poller_modify_fd(void* poller, slk_fd_t fd, short events)
{
    return change(poller, is_descriptor(fd) ? 0 : EBADF, events, of_descriptor(fd), sets(events));
}

int slk_poller_remove_fd(void* poller, slk_fd_t fd)
{
    return change(poller, is_descriptor(fd) ? 0 : EBADF, 0, of_descriptor(fd), removes);
}

int slk_poller_wait(void* poller, slk_poller_event_t* event, long timeout)
{
    if (event != nullptr)
        make_empty(*event);
    auto* const waits = poller_at(poller);
    if (waits == nullptr || event == nullptr)
        return fail_with_errno(EFAULT);
    return waits->wait_for({event, 1}, timeout) > 0 ? 0 : -1;
}

int slk_poller_wait_all(void* poller, slk_poller_event_t* events, int n_events, long timeout)
{
    auto* const waits = poller_at(poller);
    if (waits == nullptr || events == nullptr)
        return fail_with_errno(EFAULT);
    if (n_events < 0)
        return fail_with_errno(EINVAL);
    return waits->wait_for({events, static_cast<std::size_t>(n_events)}, timeout);
}

int slk_poller_fd(void* poller, slk_fd_t*)
{
    return fail_with_errno(poller_at(poller) == nullptr ? EFAULT : EINVAL);
}
