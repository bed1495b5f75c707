// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/latest_wire.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/frame_reader.hpp"
#include "messaging/pipe/pipe.hpp"

#include <utility>

namespace slk::messaging {

std::size_t latest_wire_out::gather(std::vector<piece>& pieces, std::uint64_t before)
{
    // Its deadline is looked at before the next call.
    if (lane().produced() == lane().consumed() && slot_.move_to(lane(), pools_) &&
        lane().has_deadlines())
        return 0;
    return lane_wire_out::gather(pieces, before);
}

void latest_wire_out::begin_connection() noexcept
{
    slot_.drop_older(lane());
    lane_wire_out::begin_connection();
}

wire_out::progress latest_wire_out::drop_message() noexcept
{
    if (lane().produced() != lane().consumed())
        return lane_wire_out::drop_message();
    progress made;
    made.messages = slot_.discard(lane()) ? 1 : 0;
    return made;
}

bool latest_wire_in::publish(std::uint64_t messages) noexcept
{
    (void)lane().publish(messages);
    std::vector<message> newest;
    std::uint64_t whole = 0;
    bool fits = true;
    for (message part; read_part(lane(), part); part.clear()) {
        const bool last = !part.more();
        fits = fits && try_push_back(newest, std::move(part));
        if (last && ++whole < messages) {
            newest.clear();
            fits = true;
        }
    }
    (void)lane().consume(messages, false);
    if (fits)
        return slot_.put(std::move(newest), messages);
    slot_.skip(messages);
    return false;
}

} // namespace slk::messaging
