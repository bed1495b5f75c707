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

routing refuse_to_send() noexcept
{
    return routing::refuse(
        {errc::not_supported, phase::transfer, 0, "this type of socket does not send"});
}

} // namespace slk::pattern
