// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_ROTATION_HPP
#define SLK_PATTERN_ROTATION_HPP

/// A rotation: peers that take turns, those of them that can.
///
/// The fair queue of all receiving sockets (the peers that have a message) and the load balancer of
/// PUSH and DEALER (the peers that have room) are both rotations. Every change takes constant time.

#include "base/try_allocate.hpp"
#include "pattern/peer.hpp"

#include <utility>
#include <vector>

namespace slk::pattern {

template <std::size_t peer::* Place>
class rotation {
public:
    /// Makes room for one more peer. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept { return try_reserve_more(peers_); }
    /// After reserve(). The peer takes its turn after those that are active already.
    void add(peer& entry, bool active)
    {
        entry.*Place = peers_.size();
        peers_.push_back(&entry);
        if (active)
            activate(entry);
    }
    void remove(peer& entry) noexcept
    {
        deactivate(entry);
        swap(entry.*Place, peers_.size() - 1);
        peers_.pop_back();
        entry.*Place = SIZE_MAX;
    }
    [[nodiscard]] bool has(const peer& entry) const noexcept { return entry.*Place != SIZE_MAX; }

    void activate(peer& entry) noexcept
    {
        if (entry.*Place >= active_)
            swap(entry.*Place, active_++);
    }
    void deactivate(peer& entry) noexcept
    {
        if (entry.*Place >= active_)
            return;
        swap(entry.*Place, --active_);
        if (current_ >= active_)
            current_ = 0;
    }

    /// The peer whose turn it is; null if none is active.
    [[nodiscard]] peer* current() const noexcept
    {
        return active_ > 0 ? peers_[current_] : nullptr;
    }
    /// One peer is active, and has every turn.
    [[nodiscard]] bool is_single() const noexcept { return active_ == 1; }
    void advance() noexcept
    {
        if (++current_ >= active_)
            current_ = 0;
    }

private:
    void swap(std::size_t a, std::size_t b) noexcept
    {
        std::swap(peers_[a], peers_[b]);
        peers_[a]->*Place = a;
        peers_[b]->*Place = b;
    }

    std::vector<peer*> peers_;
    std::size_t active_ = 0; ///< the first this number of peers are active
    std::size_t current_ = 0;
};

using fair_queue = rotation<&peer::receive_place>;
using load_balancer = rotation<&peer::send_place>;

} // namespace slk::pattern

#endif
