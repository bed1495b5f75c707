// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/endpoint_table.hpp"

#include <algorithm>

namespace slk::messaging {

endpoint_entry* endpoint_table::find(std::uint64_t number) const noexcept
{
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& each) { return each->number == number; });
    return found != entries_.end() ? found->get() : nullptr;
}

endpoint_list endpoint_table::find_all(endpoint_kind kind, std::string_view text) const
{
    endpoint_list found;
    for (const auto& each : entries_)
        if (each->kind == kind && each->text == text)
            found.push_back(each.get());
    return found;
}

endpoint_list endpoint_table::everything() const
{
    endpoint_list all;
    for (const auto& each : entries_)
        all.push_back(each.get());
    return all;
}

endpoint_entry& endpoint_table::add(std::unique_ptr<endpoint_entry> entry)
{
    last_text_ = entry->text;
    entries_.push_back(std::move(entry));
    return *entries_.back();
}

void endpoint_table::remove(const endpoint_list& which)
{
    std::erase_if(entries_, [&](const auto& each) {
        return std::ranges::find(which, each.get()) != which.end();
    });
}

bool came_by(const pipe& peer, const endpoint_list& which) noexcept
{
    return std::ranges::any_of(
        which, [&](const endpoint_entry* each) { return each->number == peer.endpoint; });
}

} // namespace slk::messaging
