// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/pipe.hpp"

#include <new>

namespace slk::messaging {

void pipe::conflate() noexcept
{
    if (lanes_->latest == nullptr || out.conflates())
        return;
    out.conflate(lanes_->latest->toward[side_]);
    in.conflate(lanes_->latest->toward[1 - side_]);
}

bool pipe::make_end_event() noexcept
{
    end_event_.reset(new (std::nothrow) queued_event);
    return end_event_ != nullptr;
}

void pipe::pipe_closed(const error& reason) noexcept
{
    inbox* const to = reports_to_.load(std::memory_order_seq_cst);
    if (to == nullptr)
        return;
    event report{.what = peer_disconnected{reference<pipe>::to(*this), true},
                 .endpoint = endpoint,
                 .when = system_clock_source().now(),
                 .why = reason};
    // The end that was reported first is the one that counts.
    if (end_event_ == nullptr) {
        (void)to->post(std::move(report));
        return;
    }
    end_event_->report = std::move(report);
    to->post(std::move(end_event_));
}

} // namespace slk::messaging
