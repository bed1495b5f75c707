// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/pipe.hpp"

namespace slk::messaging {

void pipe::conflate() noexcept
{
    if (lanes_->latest == nullptr || out.conflates())
        return;
    out.conflate(lanes_->latest->toward[side_]);
    in.conflate(lanes_->latest->toward[1 - side_]);
}

void pipe::pipe_closed(const error& reason) noexcept
{
    if (inbox* const to = reports_to_.load(std::memory_order_seq_cst); to != nullptr)
        (void)to->post(peer_disconnected{reference<pipe>::to(*this), true}, reason);
}

} // namespace slk::messaging
