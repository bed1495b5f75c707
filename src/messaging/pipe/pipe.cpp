// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/pipe.hpp"

namespace slk::messaging {

void pipe::conflate() noexcept
{
    if (latest_slot* const slot = lanes_->slot_of(side_); slot != nullptr && !out.conflates())
        out.conflate(*slot);
    if (latest_slot* const slot = lanes_->slot_of(1U - side_); slot != nullptr)
        in.conflate(*slot);
}

void pipe::messages_expired(std::uint64_t count) noexcept
{
    inbox* const to = reports_to_.load(std::memory_order_seq_cst);
    if (to == nullptr)
        return; // its socket has given the lanes away
    to->counters().expired.add(count);
    to->events().emit(event_kind::dropped, {}, [&](slk::event& made) {
        made.drop = drop_reason::expired;
        made.count = count;
        return true;
    });
}

void pipe::pipe_closed(const error& reason) noexcept
{
    if (inbox* const to = reports_to_.load(std::memory_order_seq_cst); to != nullptr)
        (void)to->post(peer_disconnected{reference<pipe>::to(*this), true}, reason);
}

} // namespace slk::messaging
