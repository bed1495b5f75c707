// SPDX-License-Identifier: MPL-2.0
#include "pattern/router.hpp"

#include <utility>

namespace slk::pattern {

result<void> router::attach(peer& entry)
{
    if (entry.routing_id.empty())
        entry.routing_id = make_id();
    SLK_TRY(resume_sending(entry));
    entry.generation = ++generations_;
    queue_.add(entry, false);
    return {};
}

result<void> router::resume_sending(peer& entry)
{
    leaving_ = nullptr;
    const auto [known, is_new] = by_id_.emplace(entry.routing_id, &entry);
    if (is_new || known->second == &entry)
        return {};
    if (!handover)
        return fail(errc::address_in_use, phase::handshake, "the peer's routing id is taken");
    leaving_ = std::exchange(known->second, &entry);
    return {};
}

void router::stop_sending(peer& entry) noexcept
{
    if (const auto known = by_id_.find(entry.routing_id);
        known != by_id_.end() && known->second == &entry)
        by_id_.erase(known);
}

void router::detach(peer& entry) noexcept
{
    stop_sending(entry);
    queue_.remove(entry);
}

peer* router::find(std::string_view routing_id) const noexcept
{
    const auto known = by_id_.find(routing_id);
    return known != by_id_.end() ? known->second : nullptr;
}

/// A zero byte, which no peer's own id may begin with, and a number (RFC 28).
std::string router::make_id()
{
    std::string made(5, '\0');
    do {
        const std::uint32_t number = next_id_++;
        for (std::size_t byte = 0; byte < 4; ++byte)
            made[1 + byte] = static_cast<char>(number >> (24 - 8 * byte));
    } while (by_id_.contains(made));
    return made;
}

} // namespace slk::pattern
