// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/endpoint_table.hpp"

#include <serverlink/endpoint.hpp>

#include <algorithm>

namespace slk::messaging {

namespace {

[[nodiscard]] bool equal_names(std::string_view a, std::string_view b) noexcept
{
    const auto lower = [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

/// Whether the two mean the same place, however they are written: "127.0.0.1:05" is
/// "127.0.0.1:5", a name of a host has no case.
[[nodiscard]] bool is_same(const endpoint& a, const endpoint& b)
{
    if (a.transport != b.transport)
        return false;
    if (a.transport != transport::tcp)
        return a.host == b.host;
    if (a.port != b.port || a.source_port != b.source_port || !equal_names(a.source, b.source))
        return false;
    const auto address_a = a.numeric(), address_b = b.numeric();
    return address_a && address_b ? *address_a == *address_b : equal_names(a.host, b.host);
}

} // namespace

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
    const auto wanted = endpoint::parse(text);
    if (!found.empty() || !wanted)
        return found;
    for (const auto& each : entries_)
        if (const auto there = endpoint::parse(each->text);
            each->kind == kind && there && is_same(*there, *wanted))
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
