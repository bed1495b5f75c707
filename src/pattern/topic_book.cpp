// SPDX-License-Identifier: MPL-2.0
#include "pattern/topic_book.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <utility>

namespace slk::pattern {

result<void> topic_book::subscribe(topic_view topic, lane::chunk_pools& pools) noexcept
{
    return add(self_, own_, topic, pools);
}

bool topic_book::unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept
{
    return remove(self_, topic, pools);
}

/// `as`: the number of the entry that subscribes.
result<void> topic_book::add(std::uint32_t& as, peer& entry, topic_view topic,
                             lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    if (as == no_number)
        as = topics_.add_peer(entry);
    if (as == no_number)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(topics_.subscribe(as, topic, {}));
    // Once more for each time, as libzmq does.
    tell(true, topic, pools);
    return {};
}

bool topic_book::remove(std::uint32_t as, topic_view topic, lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    const bool is_last =
        as != no_number && topics_.unsubscribe(as, topic) == 0U && !topics_.has_topic(topic);
    if (!is_last && !tells_every_end_)
        return false;
    tell(false, topic, pools);
    return true;
}

std::vector<topic_book::own_pattern>::iterator
topic_book::find(std::span<const std::byte> pattern) noexcept
{
    return std::ranges::find_if(
        patterns_, [&](const own_pattern& each) { return std::ranges::equal(each.text, pattern); });
}

/// One more subscription of a pattern that compiles.
result<topic_book::pattern_change> topic_book::begin_pattern(std::span<const std::byte> pattern,
                                                             bool all,
                                                             lane::chunk_pools& pools) noexcept
{
    pattern_change change;
    change.told = !all || for_all_ == 0;
    if (!all)
        change.topic = glob::beginning_of(pattern);
    if (change.told)
        SLK_TRY(add(patterned_, of_patterns_, change.topic.view(), pools));
    for_all_ += all ? 1 : 0;
    return change;
}

result<topic_book::pattern_change> topic_book::add_pattern(std::span<const std::byte> pattern,
                                                           bool all,
                                                           lane::chunk_pools& pools) noexcept
{
    if (const auto known = find(pattern); known != patterns_.end()) {
        SLK_TRY(const pattern_change change, begin_pattern(pattern, known->for_all, pools));
        ++known->times;
        return change;
    }
    own_pattern made;
    made.for_all = all;
    SLK_TRY(made.matcher, glob::compile(pattern));
    if (!try_resize(made.text, pattern.size()) || !try_reserve_more(patterns_))
        return fail(errc::out_of_memory, phase::setup);
    std::ranges::copy(pattern, made.text.begin());
    SLK_TRY(const pattern_change change, begin_pattern(pattern, all, pools));
    (void)try_push_back(patterns_, std::move(made)); // there is room
    pattern_count_.store(patterns_.size(), std::memory_order_release);
    return change;
}

topic_book::pattern_change topic_book::remove_pattern(std::span<const std::byte> pattern,
                                                      lane::chunk_pools& pools) noexcept
{
    pattern_change change;
    const auto known = find(pattern);
    if (known == patterns_.end())
        return change;
    const bool all = known->for_all;
    if (--known->times == 0)
        patterns_.erase(known);
    pattern_count_.store(patterns_.size(), std::memory_order_release);
    if (all && --for_all_ > 0)
        return change;
    if (!all)
        change.topic = glob::beginning_of(pattern);
    change.told = remove(patterned_, change.topic.view(), pools);
    return change;
}

/// There are patterns.
bool topic_book::matches_one(topic_view message) const noexcept
{
    return (self_ != no_number && topics_.matches_for(self_, message)) ||
           std::ranges::any_of(
               patterns_, [&](const own_pattern& each) { return each.matcher.matches(message); });
}

void topic_book::tell(bool subscribed, topic_view topic, lane::chunk_pools& pools) noexcept
{
    listeners_.for_each([&](topic_listener& each) {
        each.topic_changed(subscribed, topic, pools);
        each.topics_changed();
    });
}

void topic_book::listen(topic_listener& who, lane::chunk_pools& pools) noexcept
{
    const std::lock_guard lock(guard_);
    for_each([&](topic_view topic) { who.topic_changed(true, topic, pools); });
    who.topics_changed();
    listeners_.push_back(who);
}

void topic_book::stop_listening(topic_listener& who) noexcept
{
    const std::lock_guard lock(guard_);
    if (who.linked())
        who.unlink();
}

} // namespace slk::pattern
