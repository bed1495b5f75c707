// SPDX-License-Identifier: MPL-2.0
#include "pattern/subscription_index.hpp"

#include <algorithm>
#include <new>

namespace slk::pattern {

namespace {

constexpr error no_memory{errc::out_of_memory, phase::transfer, 0, "no memory for a subscription"};

constexpr error no_memory_left{errc::out_of_memory, phase::transfer, 0,
                               "max_memory of the context is used up"};

[[nodiscard]] auto over(const char* limit)
{
    return fail(errc::message_too_large, phase::transfer, limit);
}

} // namespace

subscription_index::~subscription_index()
{
    std::uint64_t memory = subscriptions_.size() * subscription_memory;
    by_topic_.for_each([&](std::uint32_t number) {
        memory += memory_of(topics_[number]);
        free_bytes(topics_[number]);
    });
    if (budget_ != nullptr)
        budget_->remove(memory);
}

void subscription_index::free_bytes(const topic_entry& of) noexcept
{
    if (of.size > short_topic)
        delete[] view_of(of).data();
}

std::uint32_t subscription_index::add_peer(peer& entry) noexcept
{
    if (!peers_.reserve())
        return no_number;
    const std::uint32_t number = peers_.add();
    peers_[number].who = &entry;
    return number;
}

void subscription_index::remove_peer(std::uint32_t number) noexcept
{
    remove_all(number);
    peers_.remove(number);
}

void subscription_index::remove_all(std::uint32_t of_peer) noexcept
{
    while (peers_[of_peer].first != no_number)
        remove(peers_[of_peer].first);
}

/// Numbers are no secret, but only this socket gives them.
std::uint32_t subscription_index::hash_of_pair(std::uint32_t topic,
                                               std::uint32_t peer) const noexcept
{
    std::uint64_t both = (std::uint64_t{topic} << 32 | peer) ^ secret_;
    both *= 0x9e37'79b9'7f4a'7c15;
    return static_cast<std::uint32_t>(both >> 32);
}

std::uint32_t subscription_index::find(std::uint32_t peer, std::uint32_t topic) const noexcept
{
    return by_pair_.find(hash_of_pair(topic, peer), [&](std::uint32_t number) {
        return subscriptions_[number].topic == topic && subscriptions_[number].peer == peer;
    });
}

std::uint32_t subscription_index::find(std::uint32_t number, topic_view topic) const noexcept
{
    const std::uint32_t known =
        find_topic(topic_hash(secret_, topic).of_first(topic.size()), topic);
    return known != no_number ? find(number, known) : no_number;
}

/// Returns no_number when memory is exhausted.
std::uint32_t subscription_index::add_topic(std::uint32_t hash, topic_view topic) noexcept
{
    const auto size = static_cast<std::uint32_t>(topic.size());
    if (!topics_.reserve() || !by_topic_.reserve(hash_of_topic()) || !try_reserve_more(lengths_))
        return no_number;
    std::byte* copy = nullptr;
    if (size > short_topic) {
        copy = new (std::nothrow) std::byte[size];
        if (copy == nullptr)
            return no_number;
        std::memcpy(copy, topic.data(), size);
    }
    const std::uint32_t number = topics_.add();
    topic_entry& made = topics_[number];
    made.hash = hash;
    made.size = size;
    if (copy != nullptr)
        std::memcpy(made.bytes, &copy, sizeof copy);
    else if (size > 0)
        std::memcpy(made.bytes, topic.data(), size);
    by_topic_.insert(hash, number);
    count_length(lengths_, size);
    if (budget_ != nullptr)
        (void)budget_->add(memory_of(made));
    return number;
}

/// There is room.
void subscription_index::count_length(length_list& in, std::uint32_t size) noexcept
{
    const auto at = std::ranges::lower_bound(in, size, {}, &length_use::size);
    if (at != in.end() && at->size == size)
        ++at->topics;
    else
        in.insert(at, {size, 1});
}

void subscription_index::uncount_length(length_list& in, std::uint32_t size) noexcept
{
    const auto at = std::ranges::lower_bound(in, size, {}, &length_use::size);
    if (--at->topics == 0)
        in.erase(at);
}

/// Makes room for one more long topic of the peer. Errors: those of subscribe().
result<void> subscription_index::reserve_length(peer_entry& of, std::uint32_t size,
                                                std::uint64_t limit) noexcept
{
    if (of.long_lengths == nullptr)
        of.long_lengths.reset(new (std::nothrow) length_list);
    if (of.long_lengths == nullptr || !try_reserve_more(*of.long_lengths))
        return fail(no_memory);
    const auto at = std::ranges::lower_bound(*of.long_lengths, size, {}, &length_use::size);
    const bool is_new = at == of.long_lengths->end() || at->size != size;
    return is_new && of.long_lengths->size() >= limit ? over("max_topic_lengths") : result<void>{};
}

/// Returns what it has taken of the budget.
std::uint64_t subscription_index::remove_topic(std::uint32_t number) noexcept
{
    uncount_length(lengths_, topics_[number].size);
    const std::uint64_t memory = memory_of(topics_[number]);
    by_topic_.erase(number, hash_of_topic());
    free_bytes(topics_[number]);
    topics_.remove(number);
    return memory;
}

result<std::uint32_t> subscription_index::subscribe(std::uint32_t number, topic_view topic,
                                                    const subscription_limits& limits) noexcept
{
    if (topic.size() > std::min<std::uint64_t>(limits.topic_size, UINT32_MAX - 1))
        return over("max_topic_size");
    const std::uint32_t hash = topic_hash(secret_, topic).of_first(topic.size());
    std::uint32_t known = find_topic(hash, topic);
    if (known != no_number)
        if (const std::uint32_t made = find(number, known); made != no_number) {
            if (subscriptions_[made].times < UINT32_MAX)
                ++subscriptions_[made].times;
            return subscriptions_[made].times;
        }
    if (peers_[number].count >= limits.count)
        return over("max_subscriptions");
    if (topic.size() > limits.bytes - std::min(limits.bytes, peers_[number].bytes))
        return over("max_subscription_bytes");
    if (limits.memory && budget_ != nullptr && memory_of(peers_[number]) > always_granted &&
        budget_->is_used_up())
        return fail(no_memory_left);
    const auto size = static_cast<std::uint32_t>(topic.size());
    if (size > long_topic)
        SLK_TRY(reserve_length(peers_[number], size, limits.lengths));
    const std::lock_guard lock(guard_);
    if (!subscriptions_.reserve() || !by_pair_.reserve(hash_of_subscription()))
        return fail(no_memory);
    if (known == no_number)
        known = add_topic(hash, topic);
    if (known == no_number)
        return fail(no_memory);

    peer_entry& by = peers_[number];
    topic_entry& to = topics_[known];
    const std::uint32_t made = subscriptions_.add();
    subscriptions_[made] = {.topic = known,
                            .peer = number,
                            .times = 1,
                            .next_of_topic = to.first,
                            .next_of_peer = by.first};
    if (to.first != no_number)
        subscriptions_[to.first].previous_of_topic = made;
    if (by.first != no_number)
        subscriptions_[by.first].previous_of_peer = made;
    to.first = made;
    if (by.who != nullptr)
        count_present(to);
    by.first = made;
    ++by.count;
    by.bytes += topic.size();
    if (size > long_topic)
        count_length(*by.long_lengths, size);
    if (budget_ != nullptr)
        (void)budget_->add(subscription_memory);
    by_pair_.insert(hash_of_pair(known, number), made);
    return 1;
}

void subscription_index::remove(std::uint32_t number) noexcept
{
    std::uint64_t memory = subscription_memory;
    std::unique_lock lock(guard_);
    by_pair_.erase(number, hash_of_subscription());
    const subscription gone = subscriptions_[number];
    peer_entry& by = peers_[gone.peer];
    topic_entry& to = topics_[gone.topic];
    (gone.previous_of_topic != no_number ? subscriptions_[gone.previous_of_topic].next_of_topic
                                         : to.first) = gone.next_of_topic;
    if (gone.next_of_topic != no_number)
        subscriptions_[gone.next_of_topic].previous_of_topic = gone.previous_of_topic;
    (gone.previous_of_peer != no_number ? subscriptions_[gone.previous_of_peer].next_of_peer
                                        : by.first) = gone.next_of_peer;
    if (gone.next_of_peer != no_number)
        subscriptions_[gone.next_of_peer].previous_of_peer = gone.previous_of_peer;
    if (by.who != nullptr)
        uncount_present(to);
    --by.count;
    by.bytes -= to.size;
    if (to.size > long_topic)
        uncount_length(*by.long_lengths, to.size);
    subscriptions_.remove(number);
    if (to.first == no_number)
        memory += remove_topic(gone.topic);
    lock.unlock(); // those who wait for memory are called
    if (budget_ != nullptr)
        budget_->remove(memory);
}

void subscription_index::leave(std::uint32_t number) noexcept
{
    const std::lock_guard lock(guard_);
    peer_entry& leaves = peers_[number];
    if (leaves.who == nullptr)
        return;
    leaves.who = nullptr;
    for (std::uint32_t at = leaves.first; at != no_number; at = subscriptions_[at].next_of_peer)
        uncount_present(topics_[subscriptions_[at].topic]);
}

std::uint32_t subscription_index::subscribers_of(topic_view topic) const noexcept
{
    const std::uint32_t hash = topic_hash(secret_, topic).of_first(topic.size());
    const std::lock_guard lock(guard_);
    const std::uint32_t known = find_topic(hash, topic);
    return known != no_number ? topics_[known].present : 0;
}

std::uint32_t subscription_index::copy_topics(std::uint32_t at, topic_copies& into,
                                              std::size_t& needs) const noexcept
{
    constexpr std::uint32_t max_looks = 256;
    needs = 0;
    const std::lock_guard lock(guard_);
    const std::uint32_t end = topics_.end();
    for (std::uint32_t looks = 0; at < end; ++at, ++looks) {
        const topic_entry& each = topics_[at];
        if (looks == max_looks)
            return at;
        if (each.present == 0) // it is free, or only peers that have left had it
            continue;
        const topic_view topic = view_of(each);
        if (into.bytes.capacity() - into.bytes.size() < topic.size() ||
            into.sizes.size() == into.sizes.capacity()) {
            needs = topic.size();
            return at;
        }
        into.bytes.insert(into.bytes.end(), topic.begin(), topic.end());
        into.sizes.push_back(each.size);
    }
    return no_number;
}

std::optional<std::uint32_t> subscription_index::unsubscribe(std::uint32_t number,
                                                             topic_view topic) noexcept
{
    const std::uint32_t made = find(number, topic);
    if (made == no_number)
        return std::nullopt;
    const std::uint32_t left = --subscriptions_[made].times;
    if (left == 0)
        remove(made);
    return left;
}

bool subscription_index::cancel(std::uint32_t number, topic_view topic) noexcept
{
    const std::uint32_t made = find(number, topic);
    if (made == no_number)
        return false;
    remove(made);
    return true;
}

bool subscription_index::sort_topics(std::uint32_t of_peer,
                                     std::vector<std::uint32_t>& into) const noexcept
{
    const peer_entry& by = peers_[of_peer];
    if (!try_reserve(into, by.count))
        return false;
    for (std::uint32_t at = by.first; at != no_number; at = subscriptions_[at].next_of_peer)
        into.push_back(subscriptions_[at].topic);
    std::ranges::sort(into, [this](std::uint32_t left, std::uint32_t right) {
        const topic_view one = view_of(topics_[left]), other = view_of(topics_[right]);
        return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end());
    });
    return true;
}

void subscription_index::sort_topics_of(std::uint32_t number) noexcept
{
    peer_entry& of = peers_[number];
    std::vector<std::uint32_t> all;
    if (of.count < 2 || !try_reserve(all, of.count))
        return;
    for (std::uint32_t at = of.first; at != no_number; at = subscriptions_[at].next_of_peer)
        all.push_back(at);
    std::ranges::sort(all, [this](std::uint32_t left, std::uint32_t right) {
        const topic_view one = view_of(topics_[subscriptions_[left].topic]);
        const topic_view other = view_of(topics_[subscriptions_[right].topic]);
        return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end());
    });
    std::uint32_t before = no_number;
    for (const std::uint32_t each : all) {
        (before != no_number ? subscriptions_[before].next_of_peer : of.first) = each;
        subscriptions_[each].previous_of_peer = before;
        before = each;
    }
    subscriptions_[before].next_of_peer = no_number;
}

} // namespace slk::pattern
