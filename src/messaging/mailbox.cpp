// SPDX-License-Identifier: MPL-2.0
#include "messaging/mailbox.hpp"

#include "messaging/pipe.hpp"
#include "messaging/yield_policy.hpp"

#include <thread>
#include <utility>

namespace slk::messaging {

namespace {

// More often by a thread that has just sent something and waits for the answer.
constexpr int yields_before_sleep = 1;
constexpr int yields_for_answer = 16;

thread_local yield_policy own_courtesy;

} // namespace

mailbox::mailbox() = default;
mailbox::~mailbox() = default;

void mailbox::post(mail letter)
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        if (closed_)
            return;
        // Whoever is refused again and again while the socket's thread does something else must
        // not fill its memory.
        if (letter.kind == mail_kind::refused && !mail_.empty() &&
            mail_.back().kind == mail_kind::refused && mail_.back().endpoint == letter.endpoint)
            letter.count += mail_.back().count, mail_.back() = std::move(letter);
        else
            mail_.push_back(std::move(letter));
        first = !std::exchange(letters_rung_, true);
    }
    if (first)
        ring(letters_);
}

void mailbox::notify()
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        first = !std::exchange(letters_rung_, true);
    }
    if (first)
        ring(letters_);
}

std::vector<mail> mailbox::take_letters()
{
    const std::lock_guard lock(guard_);
    letters_rung_ = false;
    return std::exchange(mail_, {});
}

result<io::native_handle> mailbox::show()
{
    if (signal_ == nullptr) {
        SLK_TRY(signal_, io::os::signal::create());
        shown_.store(signal_.get(), std::memory_order_seq_cst);
        signal_->set(); // whatever has happened so far
    }
    return signal_->handle();
}

void mailbox::wake() noexcept
{
    if (io::os::signal* const shown = shown_.load(std::memory_order_seq_cst); shown != nullptr)
        shown->set();
    {
        const std::lock_guard lock(guard_);
        parker_->wake();
        if (!closed_)
            return;
    }
    forget_rung();
}

void mailbox::sleep(duration timeout, bool expects_answer)
{
    clock& time = system_clock_source();
    const int yields = expects_answer ? yields_for_answer : yields_before_sleep;
    time_point now = time.now();
    for (int yielded = 0; yielded < yields && own_courtesy.is_wise(now); ++yielded) {
        std::this_thread::yield();
        const time_point back = time.now();
        own_courtesy.took(std::exchange(now, back), back);
        if (has_news())
            return;
    }
    sleeping_.store(true, std::memory_order_seq_cst);
    if (rung_.load(std::memory_order_seq_cst) == nullptr)
        own_.park(timeout);
    sleeping_.store(false, std::memory_order_relaxed);
}

void mailbox::use(thread_parker* other) noexcept
{
    const std::lock_guard lock(guard_);
    parker_ = other != nullptr ? other : &own_;
    sleeping_.store(other != nullptr || closed_, std::memory_order_seq_cst);
}

void mailbox::close() noexcept
{
    std::vector<mail> unread;
    {
        const std::lock_guard lock(guard_);
        closed_ = true;
        sleeping_.store(true, std::memory_order_seq_cst);
        unread = std::exchange(mail_, {});
    }
    forget_rung();
}

void mailbox::forget_rung() noexcept
{
    for (ringer* each = take_rung(); each != nullptr;) {
        ringer* const next = each->next;
        if (!is_letters(*each)) {
            const auto who = reference<pipe>::adopt(static_cast<pipe*>(each));
            (void)who->take_signals();
        }
        each = next;
    }
}

} // namespace slk::messaging
