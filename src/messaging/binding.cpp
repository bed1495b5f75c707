// SPDX-License-Identifier: MPL-2.0
#include "messaging/binding.hpp"

#include <memory>
#include <new>

namespace slk::messaging {

namespace {

constexpr error too_many{errc::connection_refused, phase::handshake, 0, "max_pending_handshakes"};

} // namespace

result<void> binding::open(const endpoint& at)
{
    listener_options wanted;
    wanted.at = at;
    wanted.backlog = settings_->options().backlog;
    wanted.dual_stack = settings_->options().dual_stack;
    wanted.tuning = settings_->options().tuning;
    listener_handlers handlers;
    handlers.accepted = [this](stream connection) { accept(std::move(connection)); };
    SLK_TRY(auto opened, listener::create(*on_->loop, std::move(wanted), std::move(handlers)));
    listener_ = std::move(opened);
    return {};
}

void binding::accept(stream connection)
{
    const socket_options& options = settings_->options();
    auto made = session::create(on_, settings_, owner_, on_->pools);
    auto* const who = made ? new (std::nothrow) guest(*this, made) : nullptr;
    if (who == nullptr || half_open_ >= options.max_pending_handshakes) {
        delete who;
        owner_->post({.kind = mail_kind::refused, .reason = too_many, .endpoint = number_});
        return connection.reset();
    }
    guests_.push_back(*who);
    ++half_open_;
    made->accept_for(number_);
    made->observe(who);
    made->begin(std::move(connection));
}

void binding::guest::session_ready() noexcept
{
    was_ready = true;
    --host.half_open_;
}

void binding::guest::session_lost(const error&) noexcept
{
    host.leave(*this);
}

void binding::leave(guest& who) noexcept
{
    if (!who.was_ready)
        --half_open_;
    who.unlink();
    delete &who;
}

void binding::close(duration timeout, std::function<void()> done)
{
    stop_listening();
    // One more than there are sessions: `done` is not called before all have been asked.
    auto left = std::make_shared<std::size_t>(1);
    const auto one_less = [left, done = std::move(done)] {
        if (--*left == 0)
            done();
    };
    guests_.for_each([&](guest& who) {
        ++*left;
        const reference<session> leaving = who.visits;
        who.unlink();
        delete &who;
        leaving->close(timeout, one_less);
    });
    half_open_ = 0;
    one_less();
}

} // namespace slk::messaging
