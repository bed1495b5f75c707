// SPDX-License-Identifier: MPL-2.0
#include <serverlink/introspection.hpp>

#include "base/try_allocate.hpp"
#include "messaging/context/context_core.hpp"
#include "pattern/glob.hpp"
#include "pattern/topic_book.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace slk {

namespace {

using pattern::published_topics;
using pattern::topic_copies;
using pattern::topic_view;

constexpr error no_memory_for_topics{errc::out_of_memory, phase::none};

/// Of topics that are copied at a time; a longer topic has room for itself.
constexpr std::size_t max_copied_topics = 256, max_copied_bytes = std::size_t{16} * 1024;

result<std::vector<reference<messaging::inbox>>> sockets_of(const context& which)
{
    if (which.core() == nullptr)
        return fail(errc::invalid_state, phase::none, "the context is empty");
    return which.core()->sockets();
}

/// Takes from the copies what matches. Returns false when memory is exhausted.
bool collect(const topic_copies& from, const std::optional<pattern::glob>& wanted,
             std::vector<std::string>& into) noexcept
{
    topic_view rest = from.bytes;
    for (const std::uint32_t size : from.sizes) {
        const topic_view topic = rest.first(size);
        rest = rest.subspan(size);
        if (wanted && !wanted->matches(topic))
            continue;
        std::string text;
        if (!try_assign(text, {reinterpret_cast<const char*>(topic.data()), topic.size()}) ||
            !try_push_back(into, std::move(text)))
            return false;
    }
    return true;
}

/// The same for all topics of a publisher.
bool collect(const published_topics& from, const std::optional<pattern::glob>& wanted,
             topic_copies& copies, std::vector<std::string>& into) noexcept
{
    for (std::uint32_t at = 0; at != pattern::no_number;) {
        std::size_t needs = 0;
        copies.bytes.clear();
        copies.sizes.clear();
        at = from.copy_topics(at, copies, needs);
        if (!collect(copies, wanted, into) || !try_reserve(copies.bytes, needs))
            return false;
    }
    return true;
}

} // namespace

result<std::vector<std::string>> subscribed_topics(const context& of, std::string_view matching)
{
    std::optional<pattern::glob> wanted;
    if (!matching.empty() && matching != "*") {
        SLK_TRY(wanted, pattern::glob::compile(std::as_bytes(std::span(matching))));
    }
    SLK_TRY(const auto sockets, sockets_of(of));
    topic_copies copies;
    if (!try_reserve(copies.bytes, max_copied_bytes) ||
        !try_reserve(copies.sizes, max_copied_topics))
        return fail(no_memory_for_topics);
    std::vector<std::string> all;
    for (const auto& each : sockets)
        if (each->published() != nullptr && !collect(*each->published(), wanted, copies, all))
            return fail(no_memory_for_topics);
    std::ranges::sort(all);
    const auto repeated = std::ranges::unique(all);
    all.erase(repeated.begin(), repeated.end());
    return all;
}

result<std::size_t> subscriber_count(const context& of, std::string_view topic)
{
    SLK_TRY(const auto sockets, sockets_of(of));
    std::size_t sum = 0;
    for (const auto& each : sockets)
        if (each->published() != nullptr)
            sum += each->published()->subscribers_of(std::as_bytes(std::span(topic)));
    return sum;
}

result<std::size_t> pattern_count(const context& of)
{
    SLK_TRY(const auto sockets, sockets_of(of));
    std::size_t sum = 0;
    for (const auto& each : sockets)
        if (each->subscribed() != nullptr)
            sum += each->subscribed()->patterns();
    return sum;
}

} // namespace slk
