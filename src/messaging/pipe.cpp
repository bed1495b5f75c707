// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe.hpp"

namespace slk::messaging {

newest_message::counts pipe::sent() noexcept
{
    if (conflates)
        return newest_out().count(out_);
    return {out_.produced(), 0, out_.consumed_by_now()};
}

void pipe::far_end_left(const error& reason) noexcept
{
    if (mailbox* const to = rings_.load(std::memory_order_seq_cst); to != nullptr)
        to->post({.kind = mail_kind::left,
                  .which = reference<pipe>::to(*this),
                  .reason = reason,
                  .for_good = true});
}

} // namespace slk::messaging
