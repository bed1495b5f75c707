// SPDX-License-Identifier: MPL-2.0
#include "pattern/pattern.hpp"

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

bool pattern::wants(std::span<const std::byte>) const noexcept
{
    return true;
}

error pattern::take_request(peer&, std::span<const std::byte>, bool) noexcept
{
    return {};
}

std::uint32_t pattern::topics_of(const peer&) const noexcept
{
    return 0;
}

topic_book* pattern::topics() const noexcept
{
    return nullptr;
}

routing refuse_to_send() noexcept
{
    return routing::refuse(
        {errc::not_supported, phase::transfer, 0, "this type of socket does not send"});
}

} // namespace slk::pattern
