// SPDX-License-Identifier: MPL-2.0
#include "pattern/req.hpp"

#include <cstring>

namespace slk::pattern {

void req::set_options(const socket_options& options) noexcept
{
    pattern::set_options(options);
    relaxed = options.relaxed;
    correlate = options.correlate;
}

result<peer*> req::attach(peer& entry)
{
    if (!receiving_.reserve())
        return fail(no_memory_for_peer);
    SLK_TRY(resume_sending(entry));
    receiving_.add(entry, false);
    return nullptr;
}

result<peer*> req::resume_sending(peer& entry)
{
    if (!sending_.add(entry))
        return fail(no_memory_for_peer);
    return nullptr;
}

void req::detach(peer& entry) noexcept
{
    sending_.remove(entry);
    receiving_.remove(entry);
    if (asked_ == &entry)
        asked_ = nullptr;
}

routing req::route(std::span<const part_view>& parts, const peer_id*, room_check& rooms) noexcept
{
    if (!may_send())
        return routing::refuse(not_now);
    const std::span<part_view> whole = written_.put_behind(correlate ? 2 : 1, parts);
    if (whole.empty())
        return routing::refuse({errc::out_of_memory, phase::transfer});
    const routing where = sending_.route(rooms);
    if (where.what != routing::kind::one)
        return where;
    // It is no reply to this request.
    rooms.discard_arrived();
    if (correlate) {
        std::memcpy(number_.data(), &next_number_, sizeof next_number_);
        ++next_number_;
        whole[0] = {number_, nullptr};
    }
    whole[correlate ? 1 : 0] = {};
    parts = whole;
    asked_ = where.to;
    numbered_ = correlate;
    stage_ = numbered_ ? stage::number : stage::delimiter;
    return where;
}

result<void> req::check_receive() const
{
    if (stage_ == stage::idle)
        return fail(errc::invalid_state, phase::transfer,
                    "a REQ sends a request before it receives the reply");
    return {};
}

part_fate req::inspect(peer& from, message& part, bool first) noexcept
{
    if (first) {
        if (stage_ == stage::idle || (asked_ != nullptr && asked_ != &from))
            return part_fate::discard;
        stage_ = numbered_ ? stage::number : stage::delimiter;
    }
    switch (stage_) {
    case stage::number:
        if (!part.more() || part.size() != number_.size() ||
            std::memcmp(part.data(), number_.data(), number_.size()) != 0)
            return part_fate::discard;
        stage_ = stage::delimiter;
        return part_fate::strip;
    case stage::delimiter:
        if (!is_delimiter(part))
            return part_fate::discard;
        stage_ = stage::body;
        return part_fate::strip;
    case stage::body:
        if (!part.more())
            stage_ = stage::idle;
        return part_fate::deliver;
    case stage::idle: break;
    }
    return part_fate::discard;
}

} // namespace slk::pattern
