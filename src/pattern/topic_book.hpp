// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_TOPIC_BOOK_HPP
#define SLK_PATTERN_TOPIC_BOOK_HPP

/// The topics that a socket has subscribed to, which its connections tell their peers.
///
/// A connection that begins is told all topics, and then each change, in the same order as the
/// socket makes them, whatever the socket's thread does meanwhile: there is a lock, which is held
/// for as long as that takes. Only the socket's thread makes changes, so that it may look at the
/// topics without the lock.
///
/// Peers know nothing of patterns: of each they are told the bytes that it begins with, as a topic.

#include "base/list.hpp"
#include "base/ref_counted.hpp"
#include "lane/chunk.hpp"
#include "pattern/glob.hpp"
#include "pattern/subscription_index.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace slk::pattern {

/// A connection. Its functions are called with the lock held, and must not use the book.
class topic_listener : public list_node {
public:
    /// `pools`: those of the calling thread.
    virtual void topic_changed(bool subscribed, topic_view topic,
                               lane::chunk_pools& pools) noexcept = 0;
    /// Some topics have changed.
    virtual void topics_changed() noexcept = 0;

protected:
    ~topic_listener() = default;
};

/// Bytes of changes that may wait for a peer, besides all topics. Where more wait, the connection
/// ends: the next one begins with all topics again.
inline constexpr std::uint64_t max_waiting_changes = std::uint64_t{1} << 20;

class topic_book final : public ref_counted<topic_book> {
public:
    explicit topic_book(std::uint64_t secret) noexcept : topics_(secret) {}

    // --- the socket's thread ---

    /// One more subscription to the topic. Errors: out_of_memory.
    [[nodiscard]] result<void> subscribe(topic_view topic, lane::chunk_pools& pools) noexcept;
    /// Takes one subscription back. Returns whether peers are to be told: that they are not to send
    /// messages of that topic any more. One that does not exist changes nothing.
    bool unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept;
    /// What peers are told when a pattern comes or goes, if anything.
    struct pattern_change {
        bool told = false;
        glob::beginning topic{};
    };
    /// One more subscription to a pattern. Peers subscribe to what it begins with, or with the
    /// first pattern for `all` to everything. Errors: those of glob::compile().
    [[nodiscard]] result<pattern_change> add_pattern(std::span<const std::byte> pattern, bool all,
                                                     lane::chunk_pools& pools) noexcept;
    /// Takes one back.
    [[nodiscard]] pattern_change remove_pattern(std::span<const std::byte> pattern,
                                                lane::chunk_pools& pools) noexcept;

    /// While this is held, no listener is told anything, and none comes or goes.
    [[nodiscard]] std::unique_lock<std::mutex> hold() noexcept { return std::unique_lock(guard_); }
    [[nodiscard]] bool matches(topic_view message) const noexcept
    {
        return patterns_.empty() ? topics_.matches(message) : matches_one(message);
    }
    /// Every message matches.
    [[nodiscard]] bool matches_all() const noexcept
    {
        return self_ != no_number && topics_.has_subscribed(self_, {});
    }
    /// Different topics, with those of patterns.
    [[nodiscard]] std::size_t size() const noexcept { return topics_.topics(); }
    /// Bytes of all topics as requests, at most.
    [[nodiscard]] std::uint64_t wire_size() const noexcept
    {
        constexpr std::uint64_t max_header = 24;
        const auto of = [this](std::uint32_t number) {
            return number != no_number
                       ? topics_.bytes_of(number) + max_header * topics_.topics_of(number)
                       : 0;
        };
        return of(self_) + of(patterned_);
    }
    /// In the order of their bytes, and then those that only patterns have.
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        if (self_ != no_number)
            topics_.for_each_topic(self_, visit);
        if (patterned_ != no_number)
            topics_.for_each_topic(patterned_, [&](topic_view topic) {
                if (self_ == no_number || !topics_.has_subscribed(self_, topic))
                    visit(topic);
            });
    }

    /// Peers are told of each subscription that is taken back, and not only of the last one to a
    /// topic.
    void set_tells_every_end(bool on) noexcept { tells_every_end_ = on; }

    // --- any thread ---

    /// Different patterns.
    [[nodiscard]] std::size_t patterns() const noexcept
    {
        return pattern_count_.load(std::memory_order_acquire);
    }
    /// Tells all topics, and from now on each change.
    void listen(topic_listener& who, lane::chunk_pools& pools) noexcept;
    /// No more calls are made, and none is under way. Also if it does not listen.
    void stop_listening(topic_listener& who) noexcept;

private:
    friend class ref_counted<topic_book>;
    ~topic_book() = default;

    struct own_pattern {
        std::vector<std::byte> text;
        glob matcher;
        std::uint32_t times = 1;
        bool for_all = false;
    };

    [[nodiscard]] result<pattern_change> begin_pattern(std::span<const std::byte> pattern, bool all,
                                                       lane::chunk_pools& pools) noexcept;
    [[nodiscard]] result<void> add(std::uint32_t& as, peer& entry, topic_view topic,
                                   lane::chunk_pools& pools) noexcept;
    [[nodiscard]] bool remove(std::uint32_t as, topic_view topic,
                              lane::chunk_pools& pools) noexcept;
    [[nodiscard]] std::vector<own_pattern>::iterator
    find(std::span<const std::byte> pattern) noexcept;
    [[nodiscard]] bool matches_one(topic_view message) const noexcept;
    void tell(bool subscribed, topic_view topic, lane::chunk_pools& pools) noexcept;

    std::mutex guard_;
    list<topic_listener> listeners_; ///< guarded
    subscription_index topics_; ///< changes are guarded
    /// The socket itself is the only one that has subscribed: to topics, and to those that patterns
    /// begin with. From the first subscription on.
    struct own_entry final : peer {
    } own_, of_patterns_;
    std::uint32_t self_ = no_number;
    std::uint32_t patterned_ = no_number;
    std::vector<own_pattern> patterns_; ///< of the socket's thread
    std::size_t for_all_ = 0; ///< times that patterns were added for all
    bool tells_every_end_ = false; ///< of the socket's thread
    std::atomic<std::size_t> pattern_count_{0};
};

} // namespace slk::pattern

#endif
