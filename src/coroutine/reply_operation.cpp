// SPDX-License-Identifier: MPL-2.0

// Requests of slk::client in tasks.

#include <serverlink/coroutine_sockets.hpp>

#include "coroutine/scheduler.hpp"
#include "rpc/client_core.hpp"

#include <utility>

namespace slk::coroutine_detail {

namespace {

messaging::socket_core* socket_of(const pending_reply& which) noexcept
{
    rpc::pending* const request = which.core();
    return request != nullptr && request->owner != nullptr ? request->owner->socket().core()
                                                           : nullptr;
}

} // namespace

const operation::behaviour reply_operation::how{
    .attempt = &attempt, .park = &park, .unpark = &unpark, .end = &fail_with};

reply_operation::reply_operation(pending_reply& of) noexcept
    : operation_of(how), of_(&of), at_(socket_of(of))
{
}

reply_operation::reply_operation(const behaviour& other, messaging::socket_core* at) noexcept
    : operation_of(other), at_(at)
{
}

reply_operation::reply_operation(reply_operation&& other) noexcept
    : operation_of(std::move(other)), of_(other.of_), at_(std::move(other.at_))
{
}

reply_operation::~reply_operation()
{
    leave_strand();
}

bool reply_operation::attempt(operation& self) noexcept
{
    auto& reply = static_cast<reply_operation&>(self);
    auto got = reply.of_->wait(no_wait);
    if (!got && got.error() == errc::in_progress)
        return false;
    reply.outcome_.emplace(std::move(got));
    return true;
}

/// The request makes progress when something arrives, and when its next time is due.
result<void> reply_operation::park(operation& self) noexcept
{
    auto& reply = static_cast<reply_operation&>(self);
    SLK_TRY(reply.at_.park(self, true));
    reply.due_.set_at(
        *self.by().on, reply.of_->core()->due,
        [](void* owner) noexcept { static_cast<reply_operation*>(owner)->wake(); }, &reply);
    return {};
}

void reply_operation::unpark(operation& self) noexcept
{
    static_cast<reply_operation&>(self).due_.cancel();
}

} // namespace slk::coroutine_detail
