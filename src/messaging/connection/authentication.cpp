// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/authentication.hpp"

#include "base/try_allocate.hpp"
#include "messaging/connection/connection.hpp"
#include "messaging/connection/zap_request.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

reference<authentication> authentication::create(connection& asks,
                                                 const std::shared_ptr<io::loop_core>& on,
                                                 std::string_view user) noexcept
{
    auto made = reference<authentication>::adopt(new (std::nothrow) authentication(asks, on));
    return made && try_assign(made->user_, user) ? made : reference<authentication>{};
}

authentication::authentication(connection& asks, const std::shared_ptr<io::loop_core>& on) noexcept
    : on_(on), asks_(&asks)
{
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        auto& mine = *static_cast<authentication*>(self.owner);
        mine.deliver();
        mine.release();
    };
    task_.drop = [](io::task& self) noexcept {
        static_cast<authentication*>(self.owner)->release();
    };
}

authentication::~authentication() = default;

bool authentication::answer(authentication_answer&& decision) noexcept
{
    if (answered_.exchange(true))
        return false;
    const bool waits = waits_.load(std::memory_order_acquire);
    decision_ = std::move(decision);
    const auto on = on_.lock();
    if (on == nullptr)
        return false;
    retain(); // the task's
    if (on->post(task_))
        return waits;
    release();
    return false;
}

void authentication::deliver() noexcept
{
    if (asks_ != nullptr)
        asks_->answered(std::move(decision_));
}

void authentication::answered(authentication_answer&& decision) noexcept
{
    if (asks_ != nullptr)
        asks_->answered(std::move(decision));
}

void authentication::failed(const error& why) noexcept
{
    if (asks_ != nullptr)
        asks_->authentication_failed(why);
}

void authentication::wait_for(reference<zap_request> reply) noexcept
{
    reply_ = std::move(reply);
}

void authentication::abandon() noexcept
{
    asks_ = nullptr;
    waits_.store(false, std::memory_order_release);
    if (reply_)
        std::exchange(reply_, {})->cancel();
}

bool authentication::keep(authentication_answer& decision) noexcept
{
    std::string& user = decision.user_id.empty() ? user_ : decision.user_id;
    if (user.empty() && decision.metadata.empty())
        return true;
    std::vector<socket_property> all = std::move(decision.metadata);
    if (!user.empty()) {
        socket_property name;
        name.value = std::move(user);
        if (!try_assign(name.name, peer_properties::user_id) ||
            !try_push_back(all, std::move(name)))
            return false;
    }
    kept_ = peer_properties::create(std::move(all));
    return static_cast<bool>(kept_);
}

} // namespace slk::messaging

namespace slk {

namespace {

void give_back(messaging::authentication* asked) noexcept
{
    if (asked == nullptr)
        return;
    (void)asked->answer(authentication_status::failed);
    asked->release();
}

} // namespace

pending_authentication authentication_request::answer_later() const noexcept
{
    if (asked == nullptr || !asked->defer())
        return {};
    asked->retain();
    return pending_authentication(asked);
}

pending_authentication& pending_authentication::operator=(pending_authentication&& other) noexcept
{
    if (this != &other)
        give_back(std::exchange(asked_, std::exchange(other.asked_, nullptr)));
    return *this;
}

pending_authentication::~pending_authentication()
{
    give_back(asked_);
}

bool pending_authentication::answer(authentication_answer decision) noexcept
{
    return asked_ != nullptr && asked_->answer(std::move(decision));
}

bool pending_authentication::is_awaited() const noexcept
{
    return asked_ != nullptr && asked_->is_awaited();
}

} // namespace slk
