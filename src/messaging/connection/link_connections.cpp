// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/link_connections.hpp"

#include <utility>

namespace slk::messaging {

reference<pipe> link_connections::prepare(lane::chunk_pools& pools) noexcept
{
    present_ =
        connection::create_connecting(on_, settings_, owner_, pipe_origin::link, log_, pools);
    if (!present_)
        return {};
    present_->observe(this);
    is_prepared_ = true;
    return present_->near();
}

void link_connections::begin(stream next)
{
    if (closed_)
        return;
    next_ = std::move(next);
    if (present_ && !std::exchange(is_prepared_, false))
        return;
    if (!present_) {
        present_ = connection::create_single(on_, settings_, owner_, pipe_origin::link, log_);
        if (!present_)
            return std::exchange(next_, {}).close({errc::out_of_memory, phase::handshake});
        present_->observe(this);
    }
    // A connection that ends at once has let go of itself.
    const reference<connection> begins = present_;
    begins->begin(std::exchange(next_, {}));
}

void link_connections::connection_closed() noexcept
{
    const auto kept = reference<link_connections>::to(*this);
    present_.reset();
    if (departs_)
        return observer_.connection_closed();
    if (next_)
        begin(std::move(next_));
}

bool link_connections::drain_sent(duration timeout) noexcept
{
    const reference<connection> draining = present_;
    return draining && draining->drain_sent(timeout);
}

void link_connections::depart(time_point deadline) noexcept
{
    const auto kept = reference<link_connections>::to(*this);
    closed_ = departs_ = true;
    next_ = {};
    if (const reference<connection> leaving = present_; leaving)
        leaving->depart(deadline);
    else
        observer_.connection_closed();
}

void link_connections::close(duration timeout, connection_observer& until_closed)
{
    closed_ = true;
    next_ = {};
    if (!present_)
        return until_closed.connection_closed();
    const reference<connection> leaving = std::exchange(present_, {});
    leaving->close(timeout, until_closed);
}

} // namespace slk::messaging
