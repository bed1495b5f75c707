// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/endpoint_table.hpp"

#include <serverlink/endpoint.hpp>

#include "base/try_allocate.hpp"

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

void endpoint_entry::stop_listening() noexcept
{
    const address local = accepting->status().local;
    accepting->stop_listening();
    report_closed(local);
}

void endpoint_entry::report_closed(const address& local) const noexcept
{
    log->emit(event_kind::closed, [&](slk::event& made) {
        made.address = local;
        return true;
    });
}

endpoint_entry* endpoint_table::find(std::uint64_t number) const noexcept
{
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& each) { return each->number == number; });
    return found != entries_.end() ? found->get() : nullptr;
}

result<endpoint_list> endpoint_table::find_all(endpoint_kind kind, std::string_view text) const
{
    endpoint_list found;
    for (const auto& each : entries_)
        if (!each->is_unbound && each->kind == kind && each->text == text)
            found.add(*each);
    if (!found.empty())
        return found;
    const auto wanted = endpoint::parse(text);
    if (!wanted)
        return wanted.error() == errc::out_of_memory ? result<endpoint_list>(fail(wanted.error()))
                                                     : found;
    for (const auto& each : entries_) {
        const auto there = endpoint::parse(each->text);
        if (!there && there.error() == errc::out_of_memory)
            return fail(there.error());
        if (!each->is_unbound && each->kind == kind && there && is_same(*there, *wanted))
            found.add(*each);
    }
    return found;
}

endpoint_list endpoint_table::everything() const noexcept
{
    endpoint_list all;
    for (const auto& each : entries_)
        all.add(*each);
    return all;
}

bool endpoint_table::reserve() noexcept
{
    return try_reserve_more(entries_);
}

endpoint_entry& endpoint_table::add(std::unique_ptr<endpoint_entry> entry,
                                    std::string text) noexcept
{
    last_text_ = std::move(text);
    entries_.push_back(std::move(entry));
    return *entries_.back();
}

void endpoint_table::mark_removed(const endpoint_list& which) noexcept
{
    which.for_each([](endpoint_entry& entry) { entry.is_removed = true; });
}

void endpoint_table::remove_marked() noexcept
{
    std::erase_if(entries_, [](const auto& each) { return each->is_removed; });
}

endpoint_list endpoint_table::release_removed(const io_loop& on) noexcept
{
    endpoint_list here;
    std::erase_if(entries_, [&](auto& each) {
        if (!each->is_removed || each->on() != &on)
            return false;
        here.add(*each.release());
        return true;
    });
    return here;
}

bool came_by(const pipe& peer, const endpoint_list& which) noexcept
{
    return which.find(peer.endpoint) != nullptr;
}

} // namespace slk::messaging
