// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/event_queue.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

/// Calls of a handler in one turn of its loop.
constexpr int max_calls_per_turn = 64;

/// What the event uses up of the capacity: peers choose their topics.
std::size_t places_of(const slk::event& what) noexcept
{
    return 1 + (what.topic.size() + what.routing_id.size() + what.text.size()) /
                   event_options::text_per_place;
}

bool is_same_loss(const slk::event& left, const slk::event& right) noexcept
{
    return left.drop == right.drop && left.socket == right.socket &&
           left.generation == right.generation && left.address == right.address &&
           left.routing_id == right.routing_id && left.endpoint == right.endpoint;
}

} // namespace

event_queue::event_queue(event_options options, bool of_context,
                         std::shared_ptr<io::loop_core> loop) noexcept
    : kinds_(options.kinds), capacity_(options.capacity), of_context_(of_context),
      has_handler_(options.handler != nullptr), loop_(has_handler_ ? std::move(loop) : nullptr),
      handler_(std::move(options.handler))
{
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        auto& mine = *static_cast<event_queue*>(self.owner);
        mine.deliver();
        mine.release();
    };
    task_.drop = [](io::task& self) noexcept { static_cast<event_queue*>(self.owner)->release(); };
}

event_queue::~event_queue()
{
    while (!unread_.empty())
        delete &unread_.pop_front();
}

event_queue::drop_set& event_queue::drops_like(const slk::event& what) noexcept
{
    const auto* const bytes = reinterpret_cast<const char*>(what.address.bytes.data());
    std::size_t hash = std::hash<std::string_view>()({bytes, what.address.bytes.size()});
    for (const std::size_t next :
         {std::hash<std::string_view>()(what.routing_id),
          std::hash<std::string_view>()(what.endpoint), std::size_t{what.address.port},
          static_cast<std::size_t>(what.generation), static_cast<std::size_t>(what.socket),
          static_cast<std::size_t>(what.drop)})
        hash = hash * 31 + next;
    return drops_[(hash ^ hash >> 16) % drops_.size()];
}

/// An unread event may stand for further messages that were lost in the same way.
bool event_queue::count_further(const slk::event& what) noexcept
{
    if (what.kind != event_kind::dropped)
        return false;
    for (unread* const each : drops_like(what).all) {
        if (each == nullptr || !is_same_loss(each->what, what))
            continue;
        each->what.count += what.count;
        return true;
    }
    return false;
}

/// Returns false when memory is exhausted.
bool event_queue::append(const slk::event& what) noexcept
{
    std::unique_ptr<unread> made(new (std::nothrow) unread);
    if (made == nullptr || !try_allocate([&] { made->what = what; }))
        return false;
    made->what.number = number_;
    made->lost_before = std::exchange(lost_, 0);
    if (what.kind == event_kind::dropped) {
        drop_set& alike = drops_like(what);
        alike.all[alike.next++ % alike.all.size()] = made.get();
    }
    size_ += places_of(made->what);
    unread_.push_back(*made.release());
    return true;
}

void event_queue::add(const slk::event& what, bool whole) noexcept
{
    {
        const std::lock_guard lock(guard_);
        if (ended_ || stopped_ || (whole && count_further(what)))
            return;
        const bool was_readable = is_readable();
        ++number_;
        // The last event of a socket's stream has a place beyond the limit. That of a context has
        // one for each of its sockets, which are any number.
        const bool fits = unread_.empty() || size_ + places_of(what) <= capacity_ ||
                          (what.kind == event_kind::stopped && !of_context_);
        if (!whole || !fits || !append(what)) {
            ++lost_;
            lost_total_.fetch_add(1, std::memory_order_relaxed);
            last_lost_ = {what.at, what.socket, number_};
        }
        if (was_readable)
            return;
        show();
        if (!has_handler_ || std::exchange(posted_, true))
            return;
    }
    post();
}

/// Under the lock: there is something to read.
void event_queue::show() noexcept
{
    if (shown_ != nullptr)
        shown_->set();
    parker_->wake();
}

void event_queue::end() noexcept
{
    const std::lock_guard lock(guard_);
    ended_ = true;
    show();
}

void event_queue::wake() noexcept
{
    const std::lock_guard lock(guard_);
    parker_->wake();
}

std::optional<slk::event> event_queue::take() noexcept
{
    const std::lock_guard lock(guard_);
    return take_next();
}

std::optional<slk::event> event_queue::take_next() noexcept
{
    std::optional<slk::event> next;
    std::uint64_t& lost = unread_.empty() ? lost_ : unread_.front().lost_before;
    if (lost > 0) {
        next.emplace();
        next->kind = event_kind::events_lost;
        const slk::event* const after = unread_.empty() ? nullptr : &unread_.front().what;
        next->at = after != nullptr ? after->at : last_lost_.at;
        if (!of_context_)
            next->socket = last_lost_.socket;
        next->number = after != nullptr ? after->number - 1 : last_lost_.number;
        next->count = std::exchange(lost, 0);
    } else if (!unread_.empty()) {
        const std::unique_ptr<unread> first(&unread_.pop_front());
        size_ -= places_of(first->what);
        if (first->what.kind == event_kind::dropped)
            std::ranges::replace(drops_like(first->what).all, first.get(), nullptr);
        next.emplace(std::move(first->what));
    }
    if (shown_ != nullptr && !is_readable())
        shown_->clear();
    return next;
}

bool event_queue::readable() const noexcept
{
    const std::lock_guard lock(guard_);
    return is_readable();
}

bool event_queue::has_ended() const noexcept
{
    const std::lock_guard lock(guard_);
    return ended_;
}

void event_queue::redirect_wakes(thread_parker* other) noexcept
{
    const std::lock_guard lock(guard_);
    parker_ = other != nullptr ? other : &own_;
}

result<io::native_handle> event_queue::event_handle()
{
    const std::lock_guard lock(guard_);
    if (shown_ == nullptr) {
        SLK_TRY(shown_, io::os::signal::create());
        if (is_readable())
            shown_->set();
    }
    return shown_->handle();
}

// --- the handler ---

/// posted_ is set.
void event_queue::post() noexcept
{
    retain(); // the task's
    if (!loop_->post(task_))
        release();
}

/// On the loop's thread.
void event_queue::deliver() noexcept
{
    {
        const std::lock_guard lock(guard_);
        posted_ = false;
    }
    for (int calls = 0; calls < max_calls_per_turn; ++calls) {
        std::optional<slk::event> next;
        {
            const std::lock_guard lock(guard_);
            if (!stopped_)
                next = take_next();
            if (!next)
                return;
            handler_runs_on_ = std::this_thread::get_id();
        }
        call_user("event_options::handler", [&] { handler_(*next); });
        const std::lock_guard lock(guard_);
        handler_runs_on_ = {};
        handler_returned_.notify_all();
    }
    {
        const std::lock_guard lock(guard_);
        if (!is_readable() || std::exchange(posted_, true))
            return;
    }
    post(); // behind the loop's other work
}

void event_queue::stop() noexcept
{
    std::function<void(const slk::event&)> handler;
    std::unique_lock lock(guard_);
    stopped_ = true;
    if (handler_runs_on_ == std::this_thread::get_id())
        return; // it ends with the queue
    while (handler_runs_on_ != std::thread::id())
        handler_returned_.wait(lock);
    handler.swap(handler_);
    lock.unlock();
}

} // namespace slk::messaging
