// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_ADMISSION_HPP
#define SLK_MESSAGING_CONNECTION_ADMISSION_HPP

/// Which connections a bound endpoint lets in, and which of them have to give way: the limits on
/// handshakes, peers, new connections and exchanges of keys, in all and per address, and the delay
/// of answers to wrong passwords. It decides, and the acceptor acts. For the loop's thread.
///
/// A connection that says nothing costs its sender nothing, so the newest one is always let in. If
/// there are too many, the one with the least progress ends; of several, the one that has made no
/// progress for the longest time. For a moment after each progress a connection is passed over, so
/// that nobody loses a place because the next bytes are still on their way; if all of them are in
/// that moment, one of the stage with the most connections ends.
///
/// A refused password is answered after a delay that doubles with each refusal of the address. For
/// up to a second after it the other clients of that address wait as well: a guess cannot be given
/// up sooner, because the right password is not answered sooner.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>

#include "base/list.hpp"
#include "base/reference.hpp"
#include "messaging/pipe/peer_count.hpp"
#include "zmtp/command.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace slk::messaging {

/// The progress of a handshake, the least first.
enum class handshake_stage : std::uint8_t {
    refused, ///< its password was wrong, and the answer is held back
    silent, ///< nothing has arrived
    begun, ///< a part of the greeting has arrived
    greeted, ///< the greeting has arrived
    authenticated, ///< its password was right
};
inline constexpr std::size_t handshake_stage_count = 5;

/// What the limits per address take for one address: an IPv4 address, the first 64 bits of an IPv6
/// address (one customer usually has all of them), or ipc.
struct address_key {
    enum class kind : std::uint8_t { local, ipv4, ipv6, link_local };
    kind of = kind::local;
    std::uint64_t bits = 0;

    [[nodiscard]] static address_key from(const address& peer) noexcept;
    friend bool operator==(const address_key&, const address_key&) = default;
};

/// 0: no limit, except for pending_handshakes.
struct admission_limits {
    std::uint32_t pending_handshakes = 0;
    std::uint32_t pending_handshakes_per_address = 0;
    std::uint32_t peers = 0;
    std::uint32_t peers_per_address = 0;
    std::uint32_t accepts_per_second = 0;
    std::uint32_t accepts_per_second_per_address = 0;
    std::uint32_t curve_handshakes_per_second = 0;
    std::uint32_t curve_handshakes_per_second_per_address = 0;
};

/// How many connections are accepted, or keys exchanged, within a second. After a quiet second all
/// of them may come at once; then each one as its share of a second has passed.
class event_rate {
public:
    /// `per_second`: 0: no limit.
    [[nodiscard]] bool allows(std::uint32_t per_second, time_point now) const noexcept
    {
        return per_second == 0 ||
               used_until_ <= now + std::chrono::seconds(1) - share_of(per_second);
    }
    void count(std::uint32_t per_second, time_point now) noexcept
    {
        if (per_second != 0)
            used_until_ = std::max(used_until_, now) + share_of(per_second);
    }
    /// Nothing is left to be remembered.
    [[nodiscard]] bool is_quiet(time_point now) const noexcept { return used_until_ <= now; }

private:
    [[nodiscard]] static duration share_of(std::uint32_t per_second) noexcept
    {
        return duration(std::chrono::seconds(1)) / per_second;
    }

    time_point used_until_{};
};

class address_record;
class admitted_peer;

// The places of a connection in the two queues.
struct place_in_all : list_node {};
struct place_in_address : list_node {};

/// Handshakes that are under way, in the order in which they give way.
template <class Place>
class handshake_queue {
public:
    void add(Place& entry, handshake_stage stage) noexcept
    {
        auto& to = at_[static_cast<std::size_t>(stage)];
        to.entries.push_back(entry);
        ++to.count;
        ++size_;
    }
    void remove(Place& entry, handshake_stage stage) noexcept
    {
        entry.unlink();
        --at_[static_cast<std::size_t>(stage)].count;
        --size_;
    }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    /// Null if there is none.
    [[nodiscard]] admitted_peer* first(time_point now) const noexcept;

private:
    struct entries_at_stage {
        list<Place> entries; ///< the one without progress for the longest time first
        std::uint32_t count = 0;
    };
    std::array<entries_at_stage, handshake_stage_count> at_;
    std::uint32_t size_ = 0;
};

/// An accepted connection, as its limits see it.
class admitted_peer : place_in_all, place_in_address {
public:
    admitted_peer() noexcept = default;
    admitted_peer(const admitted_peer&) = delete;
    admitted_peer& operator=(const admitted_peer&) = delete;

private:
    friend class admission;
    template <class Place>
    friend class handshake_queue;

    address_record* from_ = nullptr; ///< null: it does not count, or no longer
    std::uint32_t since_ = 0; ///< the last progress: milliseconds of the clock, modulo 2^32
    handshake_stage stage_ = handshake_stage::silent;
    bool ready_ = false;
    bool is_told_last_ = false; ///< READY: it came when it was crowded
};

class admission {
public:
    /// `seed`: for the table of addresses, so that nobody can choose addresses that meet in it.
    admission(const admission_limits& limits, reference<peer_count> peers,
              std::uint64_t seed) noexcept;
    ~admission();
    admission(const admission&) = delete;
    admission& operator=(const admission&) = delete;

    struct decision {
        admitted_peer* gives_way = nullptr; ///< has to end, so that the new one may come in
        error why{}; ///< of that end; without `gives_way`, why the new one is refused
    };
    /// About a connection for which nothing was made yet.
    [[nodiscard]] decision ask(const address& peer, time_point now) const noexcept;
    /// The connection is there. Returns false when memory is exhausted.
    [[nodiscard]] bool enter(admitted_peer& entry, const address& peer, time_point now) noexcept;
    /// Ignored if the peer is there already, or was refused.
    void progress(admitted_peer& entry, handshake_stage stage, time_point now) noexcept;
    /// The peer has introduced itself. Returns why it is one too many, if it is.
    [[nodiscard]] std::optional<zmtp::rejection> refuses(const admitted_peer& entry) const noexcept;
    /// The handshake is over.
    void become_ready(admitted_peer& entry) noexcept;
    /// Whether the peer is told READY only when its handshake is over here.
    [[nodiscard]] static bool is_told_last(const admitted_peer& entry) noexcept
    {
        return entry.is_told_last_;
    }
    /// The connection is over. May be called again.
    void leave(admitted_peer& entry, time_point now) noexcept;

    /// A CURVE client wants to exchange keys, which is counted. Returns why it may not.
    [[nodiscard]] error exchange_keys(const admitted_peer& entry, time_point now) noexcept;

    /// Whether the peer's password may be looked at. If not, too many of its address were wrong.
    [[nodiscard]] bool may_authenticate(const admitted_peer& entry, time_point now) const noexcept;
    /// The password was looked at. The handshake may last until `ends`. Returns the time of the
    /// answer.
    [[nodiscard]] time_point authenticated(admitted_peer& entry, bool right, time_point now,
                                           time_point ends = never) noexcept;

    [[nodiscard]] const reference<peer_count>& peers() const noexcept { return peers_; }
    /// Addresses that are remembered.
    [[nodiscard]] std::size_t addresses() const noexcept { return records_; }

    /// After its last progress a connection is passed over for this time, except with a wrong
    /// password.
    static constexpr duration time_for_progress = std::chrono::milliseconds(50);

    // The delays of PLAIN.
    static constexpr duration first_delay = std::chrono::milliseconds(50);
    static constexpr duration max_delay = std::chrono::seconds(2);
    /// Of a client with the right password.
    static constexpr duration max_delay_of_right = std::chrono::seconds(1);
    /// Wrong passwords of one address within its delay; others are not looked at.
    static constexpr int max_refusals_at_a_time = 64;
    /// Without a refusal for this time an address begins anew.
    static constexpr duration forget_after = std::chrono::minutes(1);
    /// Addresses without a connection that are remembered for their refusals, or because they have
    /// used up a part of their accepts or exchanges of keys.
    static constexpr std::size_t max_remembered = 1024;

private:
    void move(admitted_peer& entry, handshake_stage stage, time_point now) noexcept;
    [[nodiscard]] bool is_crowded(const address_record& from) const noexcept;
    [[nodiscard]] address_record*& bucket_of(const address_key& key) const noexcept;
    [[nodiscard]] address_record* find(const address_key& key) const noexcept;
    [[nodiscard]] address_record* find_or_add(const address_key& key) noexcept;
    void remember(address_record& record) noexcept;
    void remove(address_record& record) noexcept;
    void grow() noexcept;

    const admission_limits limits_;
    const reference<peer_count> peers_;
    const std::uint64_t seed_;
    event_rate accepts_;
    event_rate key_exchanges_;
    handshake_queue<place_in_all> pending_;
    std::array<address_record*, 64> first_buckets_{};
    std::unique_ptr<address_record*[]> more_buckets_;
    std::span<address_record*> buckets_{first_buckets_}; ///< one of the two above
    std::size_t records_ = 0;
    list<address_record> remembered_; ///< without a connection, the oldest first
    std::size_t remembered_count_ = 0;
};

} // namespace slk::messaging

#endif
