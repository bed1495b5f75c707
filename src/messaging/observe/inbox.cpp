// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/inbox.hpp"

#include "messaging/context/yield_policy.hpp"
#include "messaging/observe/peer_registry.hpp"
#include "messaging/pipe/pipe.hpp"

#include <new>
#include <thread>
#include <utility>

namespace slk::messaging {

namespace {

// A thread that has just sent something and waits for the reply yields more often.
constexpr int yields_before_sleep = 1;
constexpr int yields_for_reply = 16;

thread_local yield_policy own_yield_policy;

/// A peer whose handshakes fail again and again while the socket's thread does something else must
/// not fill the memory: the new event takes the place of the last one, and counts both.
bool merge_failures(event& last, event& report)
{
    auto* const before = std::get_if<handshake_failed>(&last.what);
    auto* const now = std::get_if<handshake_failed>(&report.what);
    if (before == nullptr || now == nullptr || last.endpoint != report.endpoint)
        return false;
    now->count += before->count;
    last = std::move(report);
    return true;
}

} // namespace

inbox::inbox() : places_(new(std::nothrow) peer_registry) {}
inbox::~inbox() = default;

void inbox::signal_events(bool first) noexcept
{
    if (first)
        signal(events_entry_);
}

void inbox::post(std::unique_ptr<queued_event> next) noexcept
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        if (closed_)
            return;
        if (events_.empty() || !merge_failures(events_.last(), next->report))
            events_.push(std::move(next));
        first = !std::exchange(events_signalled_, true);
    }
    signal_events(first);
}

bool inbox::post(event report) noexcept
{
    std::unique_ptr<queued_event> made(new (std::nothrow) queued_event);
    if (made == nullptr)
        return false;
    made->report = std::move(report);
    post(std::move(made));
    return true;
}

void inbox::notify()
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        first = !std::exchange(events_signalled_, true);
    }
    signal_events(first);
}

void inbox::take_events(event_queue& into) noexcept
{
    const std::lock_guard lock(guard_);
    events_signalled_ = false;
    into.take(events_);
}

result<io::native_handle> inbox::event_handle()
{
    if (signal_ == nullptr) {
        SLK_TRY(signal_, io::os::signal::create());
        shown_.store(signal_.get(), std::memory_order_seq_cst);
        signal_->set(); // there may be reports already
    }
    return signal_->handle();
}

void inbox::wake() noexcept
{
    if (io::os::signal* const shown = shown_.load(std::memory_order_seq_cst); shown != nullptr)
        shown->set();
    {
        const std::lock_guard lock(guard_);
        parker_->wake();
        if (!closed_)
            return;
    }
    discard_signalled();
}

void inbox::sleep(duration timeout, bool expects_reply)
{
    clock& time = system_clock_source();
    const int yields = expects_reply ? yields_for_reply : yields_before_sleep;
    time_point now = time.now();
    for (int number = 0; number < yields && own_yield_policy.may_yield(now); ++number) {
        std::this_thread::yield();
        const time_point back = time.now();
        own_yield_policy.yielded(std::exchange(now, back), back);
        if (has_reports())
            return;
    }
    sleeping_.store(true, std::memory_order_seq_cst);
    if (signalled_.load(std::memory_order_seq_cst) == nullptr)
        own_.park(timeout);
    sleeping_.store(false, std::memory_order_relaxed);
}

void inbox::redirect_wakes(thread_parker* other) noexcept
{
    const std::lock_guard lock(guard_);
    parker_ = other != nullptr ? other : &own_;
    sleeping_.store(other != nullptr || closed_, std::memory_order_seq_cst);
}

void inbox::close() noexcept
{
    event_queue unread;
    {
        const std::lock_guard lock(guard_);
        closed_ = true;
        sleeping_.store(true, std::memory_order_seq_cst);
        unread.take(events_);
    }
    discard_signalled();
}

void inbox::discard_signalled() noexcept
{
    for (inbox_entry* each = take_signalled(); each != nullptr;) {
        inbox_entry* const next = each->next;
        if (!is_events(*each)) {
            const auto peer = reference<pipe>::adopt(static_cast<pipe*>(each));
            (void)peer->take_signals();
        }
        each = next;
    }
}

} // namespace slk::messaging
