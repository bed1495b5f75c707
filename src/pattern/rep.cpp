// SPDX-License-Identifier: MPL-2.0
#include "pattern/rep.hpp"

#include "base/message_access.hpp"

#include <algorithm>
#include <utility>

namespace slk::pattern {

result<peer*> rep::attach(peer& entry)
{
    if (!receiving_.reserve())
        return fail(no_memory_for_peer);
    SLK_TRY(resume_sending(entry));
    receiving_.add(entry, false);
    return nullptr;
}

void rep::stop_sending(peer& entry) noexcept
{
    entry.send_place = SIZE_MAX;
    if (asking_ == &entry)
        asking_ = nullptr;
}

void rep::detach(peer& entry) noexcept
{
    stop_sending(entry);
    receiving_.remove(entry);
}

routing rep::route(std::span<const part_view>& parts, const peer_id*, room_check& rooms) noexcept
{
    if (stage_ != stage::reply)
        return routing::refuse(not_now);
    if (asking_ != nullptr) {
        const std::span<part_view> whole = written_.put_behind(envelope_.size(), parts);
        if (whole.empty())
            return routing::refuse({errc::out_of_memory, phase::transfer});
        std::ranges::transform(envelope_, whole.begin(), [](const message& part) {
            return part_view{part.bytes(), message_detail::access::owner_of(part)};
        });
        parts = whole;
    }
    stage_ = stage::envelope;
    if (asking_ == nullptr)
        return routing::drop(send_outcome::dropped_no_route);
    return rooms.has_room(*asking_) ? routing::to_peer(*asking_)
                                    : routing::drop(send_outcome::dropped_full);
}

result<void> rep::check_receive() const
{
    if (stage_ == stage::reply)
        return fail(errc::invalid_state, phase::transfer,
                    "a REP sends the reply before it receives the next request");
    return {};
}

part_fate rep::inspect(peer& from, message& part, bool first) noexcept
{
    if (first) {
        envelope_.clear();
        asking_ = from.send_place != SIZE_MAX ? &from : nullptr;
        stage_ = stage::envelope;
    }
    if (stage_ == stage::body) {
        if (!part.more())
            stage_ = stage::reply;
        return part_fate::deliver;
    }
    if (!part.more())
        return part_fate::discard;
    if (is_delimiter(part))
        stage_ = stage::body;
    if (!try_push_back(envelope_, std::move(part))) {
        stage_ = stage::envelope;
        return part_fate::lose;
    }
    return part_fate::strip;
}

} // namespace slk::pattern
