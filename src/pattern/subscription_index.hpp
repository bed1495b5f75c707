// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_SUBSCRIPTION_INDEX_HPP
#define SLK_PATTERN_SUBSCRIPTION_INDEX_HPP

/// The subscriptions of one socket: which peers want the messages that begin with which bytes.
///
/// A topic is any bytes. A message matches it if its first part begins with them; the empty topic
/// matches every message. The topics are in a hash table, where the beginning of a message is
/// looked up once for each length of which there are topics. With several lengths most of that only
/// touches a table of tags, one byte for each topic. So that a peer cannot make very many, the
/// lengths of its long topics have a limit.
///
/// A subscription is in a list of its topic and in a list of its peer, so that a peer that goes
/// takes its own along. All lists are numbers in arrays: a million subscriptions, each with a topic
/// of its own of up to 16 bytes, take less than 100 MB.
///
/// An index is for one thread at a time. Any other thread may look at its topics: there is a lock,
/// which changes take, and looks of that thread do not.

#include <serverlink/result.hpp>

#include "base/memory_budget.hpp"
#include "base/ref_counted.hpp"
#include "pattern/numbered.hpp"
#include "pattern/peer.hpp"
#include "pattern/topic_hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace slk::pattern {

using topic_view = std::span<const std::byte>;

/// What one peer may subscribe to.
struct subscription_limits {
    std::uint64_t topic_size = UINT64_MAX;
    std::uint64_t count = UINT64_MAX; ///< different topics
    std::uint64_t bytes = UINT64_MAX; ///< of all its topics together
    /// Different lengths of its long topics.
    std::uint64_t lengths = UINT64_MAX;
    bool memory = false; ///< no more than a little while the budget of memory is used up
};

/// Topics one after the other, in memory that was reserved before.
struct topic_copies {
    std::vector<std::byte> bytes;
    std::vector<std::uint32_t> sizes;
};

class subscription_index {
public:
    /// `secret`: a random number that no peer knows.
    explicit subscription_index(std::uint64_t secret) noexcept : secret_(secret) {}
    /// Before the first peer: topics count there from now on. May be null.
    void count_in(std::shared_ptr<memory_budget> budget) noexcept { budget_ = std::move(budget); }
    subscription_index(const subscription_index&) = delete;
    subscription_index& operator=(const subscription_index&) = delete;
    ~subscription_index();

    // --- peers: each has a number as long as it is here ---

    /// Returns no_number when memory is exhausted.
    [[nodiscard]] std::uint32_t add_peer(peer& entry) noexcept;
    /// With all that it has subscribed to.
    void remove_peer(std::uint32_t number) noexcept;
    void remove_all(std::uint32_t of_peer) noexcept;
    /// No message matches for the peer any more, but its subscriptions stay until remove_peer().
    void leave(std::uint32_t number) noexcept;

    // --- subscriptions: each counts how often it was made ---

    /// Returns the number of times that the peer has subscribed to the topic by now. Errors:
    /// message_too_large (a limit; the detail tells which), out_of_memory (also: the budget of
    /// memory is used up).
    [[nodiscard]] result<std::uint32_t> subscribe(std::uint32_t number, topic_view topic,
                                                  const subscription_limits& limits) noexcept;
    /// Takes back one of those times. Returns the number of those that are left, or nothing if
    /// there was none.
    std::optional<std::uint32_t> unsubscribe(std::uint32_t number, topic_view topic) noexcept;
    /// Takes back all of those times. Returns false if there was none.
    bool cancel(std::uint32_t number, topic_view topic) noexcept;

    /// Subscriptions, and different topics.
    [[nodiscard]] std::size_t size() const noexcept { return subscriptions_.size(); }
    [[nodiscard]] std::size_t topics() const noexcept { return topics_.size(); }
    /// Different topics of peers that have not left.
    [[nodiscard]] std::size_t present_topics() const noexcept { return present_topics_; }
    /// Different topics of a peer.
    [[nodiscard]] std::uint32_t topics_of(std::uint32_t number) const noexcept
    {
        return peers_[number].count;
    }
    /// Bytes of a peer's topics.
    [[nodiscard]] std::uint64_t bytes_of(std::uint32_t number) const noexcept
    {
        return peers_[number].bytes;
    }
    /// The peer's topics, in the order of their bytes; in another one when memory is exhausted.
    template <class Visit>
    void for_each_topic(std::uint32_t of_peer, Visit&& visit) const
    {
        std::vector<std::uint32_t> sorted;
        if (sort_topics(of_peer, sorted)) {
            for (const std::uint32_t each : sorted)
                visit(view_of(topics_[each]));
            return;
        }
        for (std::uint32_t at = peers_[of_peer].first; at != no_number;
             at = subscriptions_[at].next_of_peer)
            visit(view_of(topics_[subscriptions_[at].topic]));
    }

    /// first_of() goes through the peer's topics in the order of their bytes; in another one when
    /// memory is exhausted.
    void sort_topics_of(std::uint32_t number) noexcept;

    /// Whether any peer has subscribed to just this topic.
    [[nodiscard]] bool has_topic(topic_view topic) const noexcept
    {
        return find_topic(topic_hash(secret_, topic).of_first(topic.size()), topic) != no_number;
    }
    /// Whether this peer has.
    [[nodiscard]] bool has_subscribed(std::uint32_t number, topic_view topic) const noexcept
    {
        return find(number, topic) != no_number;
    }
    struct topic_use {
        topic_view topic;
        bool by_others; ///< other peers have subscribed to it as well
    };
    /// One of the peer's topics, of which there is one, until the next change.
    [[nodiscard]] topic_use first_of(std::uint32_t of_peer) const noexcept
    {
        const topic_entry& topic = topics_[subscriptions_[peers_[of_peer].first].topic];
        const subscription& any = subscriptions_[topic.first];
        return {view_of(topic), any.peer != of_peer || any.next_of_topic != no_number};
    }
    /// Takes that subscription back.
    void remove_first(std::uint32_t of_peer) noexcept { remove(peers_[of_peer].first); }

    // --- any thread: what is held by peers that have not left ---

    /// The number of peers that have subscribed to just this topic.
    [[nodiscard]] std::uint32_t subscribers_of(topic_view topic) const noexcept;
    /// Adds topics to the copies, from the place `at` on, at first 0, and as far as there is room;
    /// looks at a limited number of them, so that changes hardly wait. Returns the place to go on
    /// at, or no_number at the end. `needs`: gets the size of the topic for which there is no room,
    /// or 0. A topic that comes or goes between two calls may be missed, or be there twice.
    [[nodiscard]] std::uint32_t copy_topics(std::uint32_t at, topic_copies& into,
                                            std::size_t& needs) const noexcept;

    // --- messages ---

    /// Calls visit(peer&) once for each peer that has subscribed to a beginning of `message`.
    template <class Visit>
    void match(topic_view message, Visit&& visit)
    {
        ++matches_;
        found_topics now;
        for_each_beginning(message, [&](const topic_entry& found) {
            now.add(found);
            for (std::uint32_t at = found.first; at != no_number;
                 at = subscriptions_[at].next_of_topic) {
                peer_entry& wants = peers_[subscriptions_[at].peer];
                if (std::exchange(wants.matched, matches_) != matches_ && wants.who != nullptr)
                    visit(*wants.who);
            }
            return true;
        });
        found_the_same_ = now == found_;
        found_ = now;
    }
    /// The last two messages of match() have begun with the same topics, and with few.
    [[nodiscard]] bool found_the_same() const noexcept { return found_the_same_; }
    /// This message begins with the same topics as the last one of match(). Until the next change.
    [[nodiscard]] bool finds_the_same(topic_view message) const noexcept
    {
        found_topics now;
        for_each_beginning(message, [&](const topic_entry& found) {
            now.add(found);
            return true;
        });
        return now == found_;
    }
    /// Calls visit(peer&) once for each peer that has not.
    template <class Visit>
    void match_not(topic_view message, Visit&& visit)
    {
        match(message, [](const peer&) {});
        for (std::uint32_t number = 0; number < peers_.end(); ++number)
            if (peers_[number].who != nullptr && peers_[number].matched != matches_)
                visit(*peers_[number].who);
    }
    /// Whether any peer has subscribed to a beginning of `message`.
    [[nodiscard]] bool matches(topic_view message) const noexcept
    {
        bool any = false;
        for_each_beginning(message, [&](const topic_entry&) {
            any = true;
            return false;
        });
        return any;
    }

    /// Whether this peer has.
    [[nodiscard]] bool matches_for(std::uint32_t number, topic_view message) const noexcept
    {
        bool any = false;
        for_each_beginning(message, [&](const topic_entry& found) {
            any = find(number, number_of(found)) != no_number;
            return !any;
        });
        return any;
    }

private:
    /// A message has at most this number of shorter beginnings: they need no limit.
    static constexpr std::size_t long_topic = 64;
    /// With more lengths, most beginnings of a message are no topics.
    static constexpr std::size_t few_lengths = 2;
    /// What a subscription takes, and a topic, with their places in the tables.
    static constexpr std::uint64_t subscription_memory = 40, topic_memory = 46;
    /// In the place of the bytes of a longer topic stands their address.
    static constexpr std::size_t short_topic = 16;

    struct topic_entry {
        std::uint32_t hash = 0;
        std::uint32_t size = 0;
        std::uint32_t first = no_number; ///< of its subscriptions; the next free entry
        std::uint32_t present = 0; ///< subscriptions of peers that have not left
        std::byte bytes[short_topic]{};
    };
    /// The topics that a message begins with.
    struct found_topics {
        static constexpr std::uint32_t max_count = 4;

        std::uint32_t count = 0;
        const topic_entry* all[max_count]{};

        void add(const topic_entry& next) noexcept
        {
            if (count < max_count)
                all[count] = &next;
            ++count;
        }
        /// False where there are too many to compare.
        [[nodiscard]] bool operator==(const found_topics& other) const noexcept
        {
            return count == other.count && count <= max_count && std::ranges::equal(all, other.all);
        }
    };
    struct subscription {
        std::uint32_t topic = no_number;
        std::uint32_t peer = no_number;
        std::uint32_t times = 0;
        std::uint32_t previous_of_topic = no_number;
        std::uint32_t next_of_topic = no_number; ///< or the next free entry
        std::uint32_t previous_of_peer = no_number;
        std::uint32_t next_of_peer = no_number;
    };
    /// A length, and how many topics have it.
    struct length_use {
        std::uint32_t size;
        std::uint32_t topics;
    };
    using length_list = std::vector<length_use>; ///< sorted
    struct peer_entry {
        peer* who = nullptr;
        std::uint64_t matched = 0; ///< the number of the last message that it has matched
        std::uint64_t bytes = 0;
        std::uint32_t first = no_number; ///< of its subscriptions; the next free entry
        std::uint32_t count = 0;
        std::unique_ptr<length_list> long_lengths; ///< of its long topics, if it had one
    };

    [[nodiscard]] static topic_view view_of(const topic_entry& of) noexcept
    {
        const std::byte* begin = of.bytes;
        if (of.size > short_topic)
            std::memcpy(&begin, of.bytes, sizeof begin);
        return {begin, of.size};
    }
    static void free_bytes(const topic_entry& of) noexcept;
    [[nodiscard]] static bool equal(topic_view one, topic_view other) noexcept
    {
        return one.size() == other.size() &&
               (one.empty() || std::memcmp(one.data(), other.data(), one.size()) == 0);
    }
    [[nodiscard]] auto is_topic(std::uint32_t hash, topic_view topic) const noexcept
    {
        return [this, hash, topic](std::uint32_t number) {
            const topic_entry& entry = topics_[number];
            return entry.hash == hash && equal(view_of(entry), topic);
        };
    }
    /// Visits the topics that the message begins with, until visit() returns false.
    template <class Visit>
    void for_each_beginning(topic_view message, Visit&& visit) const
    {
        topic_hash hash(secret_, message);
        if (lengths_.size() <= few_lengths) {
            for (const length_use& each : lengths_) {
                if (each.size > message.size())
                    return;
                const std::uint32_t found =
                    find_topic(hash.of_first(each.size), message.first(each.size));
                if (found != no_number && !visit(topics_[found]))
                    return;
            }
            return;
        }
        // The tags of many lengths are fetched at the same time, and then looked at.
        std::array<std::uint32_t, 32> hashes;
        for (std::size_t first = 0; first < lengths_.size();) {
            std::size_t count = 0;
            while (count < hashes.size() && first + count < lengths_.size() &&
                   lengths_[first + count].size <= message.size()) {
                hashes[count] = hash.of_first(lengths_[first + count].size);
                by_topic_.prefetch_tags(hashes[count]);
                ++count;
            }
            if (count == 0)
                return;
            for (std::size_t index = 0; index < count; ++index) {
                const topic_view topic = message.first(lengths_[first + index].size);
                const std::uint32_t found =
                    by_topic_.find_by_tag(hashes[index], is_topic(hashes[index], topic));
                if (found != no_number && !visit(topics_[found]))
                    return;
            }
            first += count;
        }
    }
    [[nodiscard]] std::uint32_t find_topic(std::uint32_t hash, topic_view topic) const noexcept
    {
        return by_topic_.find(hash, is_topic(hash, topic));
    }
    [[nodiscard]] std::uint32_t hash_of_pair(std::uint32_t topic,
                                             std::uint32_t peer) const noexcept;
    [[nodiscard]] auto hash_of_topic() const noexcept
    {
        return [this](std::uint32_t number) { return topics_[number].hash; };
    }
    [[nodiscard]] auto hash_of_subscription() const noexcept
    {
        return [this](std::uint32_t number) {
            return hash_of_pair(subscriptions_[number].topic, subscriptions_[number].peer);
        };
    }
    [[nodiscard]] std::uint32_t number_of(const topic_entry& topic) const noexcept
    {
        return subscriptions_[topic.first].topic;
    }
    [[nodiscard]] std::uint32_t find(std::uint32_t number, topic_view topic) const noexcept;
    [[nodiscard]] std::uint32_t find(std::uint32_t peer, std::uint32_t topic) const noexcept;
    [[nodiscard]] std::uint32_t add_topic(std::uint32_t hash, topic_view topic) noexcept;
    [[nodiscard]] std::uint64_t remove_topic(std::uint32_t number) noexcept;
    static void count_length(length_list& in, std::uint32_t size) noexcept;
    static void uncount_length(length_list& in, std::uint32_t size) noexcept;
    [[nodiscard]] static result<void> reserve_length(peer_entry& of, std::uint32_t size,
                                                     std::uint64_t limit) noexcept;
    /// A peer may have this much whatever others hold.
    static constexpr std::uint64_t always_granted = std::uint64_t{64} * 1024;
    [[nodiscard]] static std::uint64_t memory_of(const peer_entry& of) noexcept
    {
        return of.bytes + of.count * (subscription_memory + topic_memory);
    }
    [[nodiscard]] static std::uint64_t memory_of(const topic_entry& topic) noexcept
    {
        return topic_memory + (topic.size > short_topic ? topic.size : 0);
    }
    void remove(std::uint32_t number) noexcept;
    // A peer that has not left subscribes to the topic, or no longer does, or leaves.
    void count_present(topic_entry& of) noexcept { present_topics_ += of.present++ == 0 ? 1 : 0; }
    void uncount_present(topic_entry& of) noexcept { present_topics_ -= --of.present == 0 ? 1 : 0; }
    [[nodiscard]] bool sort_topics(std::uint32_t of_peer,
                                   std::vector<std::uint32_t>& into) const noexcept;

    const std::uint64_t secret_;
    mutable std::mutex guard_; ///< of changes of topics, and what they are found by
    numbered<topic_entry, &topic_entry::first> topics_;
    numbered<subscription, &subscription::next_of_topic> subscriptions_;
    numbered<peer_entry, &peer_entry::first> peers_;
    number_table by_topic_{true};
    number_table by_pair_; ///< of topic and peer
    length_list lengths_;
    std::shared_ptr<memory_budget> budget_; ///< that topics count in, or null
    std::uint64_t matches_ = 0;
    found_topics found_; ///< by the last match()
    bool found_the_same_ = false;
    std::size_t present_topics_ = 0;
};

/// The index of a publisher, which those who look at its topics hold too.
class published_topics final : public subscription_index, public ref_counted<published_topics> {
public:
    using subscription_index::subscription_index;

private:
    friend class ref_counted<published_topics>;
    ~published_topics() = default;
};

} // namespace slk::pattern

#endif
