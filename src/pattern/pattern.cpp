// SPDX-License-Identifier: MPL-2.0
#include "pattern/pattern.hpp"

#include <utility>

namespace slk::pattern {

result<void> pattern::check_name(std::string_view) const
{
    return fail(errc::invalid_argument, phase::connect, "routing_id is for a ROUTER");
}

bool pattern::prepare(peer&) noexcept
{
    return true;
}

void pattern::connected(peer&) noexcept {}
void pattern::disconnected(peer&) noexcept {}

part_fate pattern::inspect(peer&, message&, bool) noexcept
{
    return part_fate::deliver;
}

bool pattern::in_body() const noexcept
{
    return true;
}

bool pattern::wants(std::span<const std::byte>) const noexcept
{
    return true;
}

bool pattern::takes_more(peer&) noexcept
{
    return true;
}

routing pattern::check_send(std::span<const std::byte>, const peer_id*, room_check& rooms) noexcept
{
    return can_send(rooms) ? routing::to_targets(0) : routing{};
}

peer* pattern::next_to_resume() noexcept
{
    return nullptr;
}

result<bool> pattern::take_request(peer&, message&, bool, bool) noexcept
{
    return false;
}

result<router_event> pattern::receive_own(message&, peer_id* about) noexcept
{
    const auto next = own_messages.pop();
    if (about != nullptr)
        *about = std::move(next->about);
    return next->what;
}

std::uint64_t pattern::discard_own() noexcept
{
    return 0;
}

std::uint32_t pattern::topics_of(const peer&) const noexcept
{
    return 0;
}

topic_book* pattern::topics() const noexcept
{
    return nullptr;
}

published_topics* pattern::published() const noexcept
{
    return nullptr;
}

routing refuse_to_send() noexcept
{
    return routing::refuse(
        {errc::not_supported, phase::transfer, 0, "this type of socket does not send"});
}

} // namespace slk::pattern
