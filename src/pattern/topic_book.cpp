// SPDX-License-Identifier: MPL-2.0
#include "pattern/topic_book.hpp"

namespace slk::pattern {

result<void> topic_book::subscribe(topic_view topic, lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    if (self_ == no_number)
        self_ = topics_.add_peer(own_);
    if (self_ == no_number)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(topics_.subscribe(self_, topic, {}));
    // Once more for each time, as libzmq does.
    tell(true, topic, pools);
    return {};
}

bool topic_book::unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    if (self_ == no_number || topics_.unsubscribe(self_, topic) != 0U)
        return false;
    tell(false, topic, pools);
    return true;
}

void topic_book::tell(bool subscribed, topic_view topic, lane::chunk_pools& pools) noexcept
{
    listeners_.for_each([&](topic_listener& each) {
        each.topic_changed(subscribed, topic, pools);
        each.topics_changed();
    });
}

void topic_book::listen(topic_listener& who, lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    for_each([&](topic_view topic) { who.topic_changed(true, topic, pools); });
    who.topics_changed();
    listeners_.push_back(who);
}

void topic_book::stop_listening(topic_listener& who) noexcept
{
    const std::lock_guard lock(guard_);
    if (who.linked())
        who.unlink();
}

} // namespace slk::pattern
