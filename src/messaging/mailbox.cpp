// SPDX-License-Identifier: MPL-2.0
#include "messaging/mailbox.hpp"

#include "messaging/pipe.hpp"

#include <utility>

namespace slk::messaging {

mailbox::mailbox() = default;
mailbox::~mailbox() = default;

void mailbox::post(mail letter)
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
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

void mailbox::nudge()
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

void mailbox::wake() noexcept
{
    const std::lock_guard lock(guard_);
    parker_->wake();
}

void mailbox::sleep(duration at_most)
{
    sleeping_.store(true, std::memory_order_seq_cst);
    if (rung_.load(std::memory_order_seq_cst) == nullptr)
        own_.park(at_most);
    sleeping_.store(false, std::memory_order_relaxed);
}

void mailbox::use(parker* other) noexcept
{
    const std::lock_guard lock(guard_);
    parker_ = other != nullptr ? other : &own_;
    sleeping_.store(other != nullptr, std::memory_order_seq_cst);
}

} // namespace slk::messaging
