// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/admission.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error too_many_handshakes{errc::connection_refused, phase::handshake, 0,
                                    "max_pending_handshakes"};
constexpr error too_many_of_address{errc::connection_refused, phase::handshake, 0,
                                    "max_pending_handshakes_per_address"};
constexpr error too_many_peers{errc::connection_refused, phase::handshake, 0, "max_peers"};
constexpr error too_many_accepts{errc::connection_refused, phase::handshake, 0,
                                 "max_accepts_per_second"};
constexpr error too_many_accepts_of_address{errc::connection_refused, phase::handshake, 0,
                                            "max_accepts_per_second_per_address"};
constexpr error too_many_key_exchanges{errc::connection_refused, phase::handshake, 0,
                                       "max_curve_handshakes_per_second"};
constexpr error too_many_key_exchanges_of_address{errc::connection_refused, phase::handshake, 0,
                                                  "max_curve_handshakes_per_second_per_address"};
constexpr error too_many_peers_of_address{errc::connection_refused, phase::handshake, 0,
                                          "max_peers_per_address"};

[[nodiscard]] std::uint64_t number_of(const std::uint8_t* bytes, std::size_t count) noexcept
{
    std::uint64_t number = 0;
    for (std::size_t index = 0; index < count; ++index)
        number = number << 8 | bytes[index];
    return number;
}

/// The finalizer of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
[[nodiscard]] std::uint64_t mixed(std::uint64_t value) noexcept
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

[[nodiscard]] std::uint32_t milliseconds_of(time_point now) noexcept
{
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
}

[[nodiscard]] duration delay_after(std::uint32_t refusals) noexcept
{
    constexpr std::uint32_t doublings = 6;
    return refusals == 0
               ? duration::zero()
               : std::min(admission::max_delay,
                          admission::first_delay * (1 << std::min(refusals - 1, doublings)));
}

} // namespace

/// An address, as long as it has a connection, and then for its refusals.
class address_record final : public list_node {
public:
    explicit address_record(const address_key& of) noexcept : key(of) {}

    [[nodiscard]] bool is_used() const noexcept { return pending.size() > 0 || peers > 0; }

    const address_key key;
    address_record* next = nullptr; ///< in its bucket
    handshake_queue<place_in_address> pending;
    std::uint32_t peers = 0; ///< ready ones
    event_rate accepts;
    event_rate key_exchanges;
    std::uint32_t refusals = 0; ///< since the address began anew
    time_point last_refusal{};
    /// Each refusal moves this on by a part of its delay. When it is a whole delay ahead, no
    /// further password is looked at.
    time_point refusals_until{};
};

address_key address_key::from(const address& peer) noexcept
{
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const std::uint8_t* const bytes = peer.bytes.data();
    switch (peer.family) {
    case address_family::none:
    case address_family::local: break;
    case address_family::ipv4: return {kind::ipv4, number_of(bytes, 4)};
    case address_family::ipv6:
        if (std::memcmp(bytes, mapped.data(), mapped.size()) == 0)
            return {kind::ipv4, number_of(bytes + mapped.size(), 4)};
        // All hosts of a network have the same prefix there.
        if (peer.is_link_local_ipv6())
            return {kind::link_local, number_of(bytes + 8, 8)};
        return {kind::ipv6, number_of(bytes, 8)};
    }
    return {};
}

template <class Place>
admitted_peer* handshake_queue<Place>::first(time_point now) const noexcept
{
    constexpr auto young =
        static_cast<std::uint32_t>(admission::time_for_progress / std::chrono::milliseconds(1));
    const entries_at_stage* fullest = at_.data();
    for (const entries_at_stage& each : at_) {
        if (each.count == 0)
            continue;
        auto& entry = static_cast<admitted_peer&>(each.entries.front());
        if (entry.stage_ == handshake_stage::refused ||
            milliseconds_of(now) - entry.since_ >= young)
            return &entry;
        if (each.count > fullest->count)
            fullest = &each;
    }
    if (fullest->count == 0)
        return nullptr;
    // The few that came before it was crowded may have sent messages already.
    Place* const told_last = fullest->entries.find(
        [](Place& each) { return static_cast<admitted_peer&>(each).is_told_last_; });
    return &static_cast<admitted_peer&>(told_last != nullptr ? *told_last
                                                             : fullest->entries.front());
}

admission::admission(const admission_limits& limits, reference<peer_count> peers,
                     std::uint64_t seed) noexcept
    : limits_(limits), peers_(std::move(peers)), seed_(seed)
{
}

admission::~admission()
{
    while (!remembered_.empty())
        remove(remembered_.pop_front());
    assert(records_ == 0);
}

// --- connections ---

admission::decision admission::ask(const address& peer, time_point now) const noexcept
{
    if (limits_.peers != 0 && peers_->value.load(std::memory_order_relaxed) >= limits_.peers)
        return {.why = too_many_peers};
    const address_key key = address_key::from(peer);
    // All peers of ipc have the same address.
    const address_record* const from = key.of != address_key::kind::local ? find(key) : nullptr;
    if (from != nullptr && limits_.peers_per_address != 0 &&
        from->peers >= limits_.peers_per_address)
        return {.why = too_many_peers_of_address};
    if (from != nullptr && !from->accepts.allows(limits_.accepts_per_second_per_address, now))
        return {.why = too_many_accepts_of_address};
    if (!accepts_.allows(limits_.accepts_per_second, now))
        return {.why = too_many_accepts};
    if (from != nullptr && limits_.pending_handshakes_per_address != 0 &&
        from->pending.size() >= limits_.pending_handshakes_per_address)
        return {from->pending.first(now), too_many_of_address};
    if (pending_.size() >= limits_.pending_handshakes)
        return {pending_.first(now), too_many_handshakes};
    return {};
}

bool admission::enter(admitted_peer& entry, const address& peer, time_point now) noexcept
{
    assert(entry.from_ == nullptr);
    entry.from_ = find_or_add(address_key::from(peer));
    if (entry.from_ == nullptr)
        return false;
    accepts_.count(limits_.accepts_per_second, now);
    entry.from_->accepts.count(limits_.accepts_per_second_per_address, now);
    entry.since_ = milliseconds_of(now);
    entry.is_told_last_ = is_crowded(*entry.from_);
    pending_.add(entry, entry.stage_);
    entry.from_->pending.add(entry, entry.stage_);
    return true;
}

/// An eighth of the places in all, or of the address, is taken.
bool admission::is_crowded(const address_record& from) const noexcept
{
    const auto is_taken = [](std::uint32_t places, std::uint32_t limit) {
        return limit != 0 && places >= std::max(limit / 8, 1u);
    };
    return is_taken(pending_.size(), limits_.pending_handshakes) ||
           (from.key.of != address_key::kind::local &&
            is_taken(from.pending.size(), limits_.pending_handshakes_per_address));
}

void admission::progress(admitted_peer& entry, handshake_stage stage, time_point now) noexcept
{
    if (entry.stage_ != handshake_stage::refused && stage > entry.stage_)
        move(entry, stage, now);
}

void admission::move(admitted_peer& entry, handshake_stage stage, time_point now) noexcept
{
    if (entry.from_ == nullptr || entry.ready_)
        return;
    const handshake_stage before = std::exchange(entry.stage_, stage);
    entry.since_ = milliseconds_of(now);
    pending_.remove(entry, before);
    pending_.add(entry, stage);
    entry.from_->pending.remove(entry, before);
    entry.from_->pending.add(entry, stage);
}

std::optional<zmtp::rejection> admission::refuses(const admitted_peer& entry) const noexcept
{
    assert(entry.from_ != nullptr && !entry.ready_);
    const address_record& from = *entry.from_;
    if (limits_.peers != 0 && peers_->value.load(std::memory_order_relaxed) >= limits_.peers)
        return zmtp::rejection::too_many_peers;
    if (from.key.of != address_key::kind::local && limits_.peers_per_address != 0 &&
        from.peers >= limits_.peers_per_address)
        return zmtp::rejection::too_many_peers_of_address;
    return std::nullopt;
}

void admission::become_ready(admitted_peer& entry) noexcept
{
    assert(entry.from_ != nullptr && !entry.ready_);
    pending_.remove(entry, entry.stage_);
    entry.from_->pending.remove(entry, entry.stage_);
    ++entry.from_->peers;
    entry.ready_ = true;
}

void admission::leave(admitted_peer& entry, time_point now) noexcept
{
    if (entry.from_ == nullptr)
        return;
    address_record& from = *std::exchange(entry.from_, nullptr);
    if (entry.ready_) {
        --from.peers;
    } else {
        pending_.remove(entry, entry.stage_);
        from.pending.remove(entry, entry.stage_);
    }
    if (from.is_used())
        return;
    if ((from.refusals > 0 && now - from.last_refusal < forget_after) ||
        !from.accepts.is_quiet(now) || !from.key_exchanges.is_quiet(now))
        remember(from);
    else
        remove(from);
}

// --- keys ---

error admission::exchange_keys(const admitted_peer& entry, time_point now) noexcept
{
    if (entry.from_ == nullptr)
        return {};
    address_record& from = *entry.from_;
    // All peers of ipc have the same address.
    const std::uint32_t of_address = from.key.of != address_key::kind::local
                                         ? limits_.curve_handshakes_per_second_per_address
                                         : 0;
    if (!from.key_exchanges.allows(of_address, now))
        return too_many_key_exchanges_of_address;
    if (!key_exchanges_.allows(limits_.curve_handshakes_per_second, now))
        return too_many_key_exchanges;
    from.key_exchanges.count(of_address, now);
    key_exchanges_.count(limits_.curve_handshakes_per_second, now);
    return {};
}

// --- passwords ---

bool admission::may_authenticate(const admitted_peer& entry, time_point now) const noexcept
{
    const address_record* const from = entry.from_;
    return from == nullptr || from->refusals == 0 ||
           from->refusals_until - now < delay_after(from->refusals);
}

time_point admission::authenticated(admitted_peer& entry, bool right, time_point now,
                                    time_point ends) noexcept
{
    if (entry.from_ == nullptr)
        return now;
    address_record& from = *entry.from_;
    if (now - from.last_refusal >= forget_after)
        from.refusals = 0;
    // The handshake must not run out of time for it.
    const duration limit = ends == never ? max_delay : std::max((ends - now) / 2, duration::zero());
    move(entry, right ? handshake_stage::authenticated : handshake_stage::refused, now);
    if (right) {
        const duration delay = std::min({delay_after(from.refusals), max_delay_of_right, limit});
        return std::max(now, from.last_refusal + delay);
    }
    from.refusals = std::min(from.refusals + 1, std::uint32_t{1} << 16);
    from.last_refusal = now;
    const duration delay = delay_after(from.refusals);
    from.refusals_until = std::max(from.refusals_until, now) + delay / max_refusals_at_a_time;
    return now + std::min(delay, limit);
}

// --- addresses ---

address_record*& admission::bucket_of(const address_key& key) const noexcept
{
    const std::uint64_t kind = static_cast<std::uint64_t>(key.of) << 62;
    return buckets_[mixed(mixed(key.bits ^ seed_) ^ kind) % buckets_.size()];
}

address_record* admission::find(const address_key& key) const noexcept
{
    address_record* each = bucket_of(key);
    while (each != nullptr && each->key != key)
        each = each->next;
    return each;
}

address_record* admission::find_or_add(const address_key& key) noexcept
{
    if (address_record* const known = find(key); known != nullptr) {
        if (known->linked()) {
            known->unlink();
            --remembered_count_;
        }
        return known;
    }
    auto* const made = new (std::nothrow) address_record(key);
    if (made == nullptr)
        return nullptr;
    if (records_ >= buckets_.size() * 2)
        grow();
    made->next = std::exchange(bucket_of(key), made);
    ++records_;
    return made;
}

void admission::remember(address_record& record) noexcept
{
    remembered_.push_back(record);
    if (++remembered_count_ <= max_remembered)
        return;
    --remembered_count_;
    remove(remembered_.pop_front());
}

void admission::remove(address_record& record) noexcept
{
    address_record** each = &bucket_of(record.key);
    while (*each != &record)
        each = &(*each)->next;
    *each = record.next;
    --records_;
    delete &record;
}

/// Without memory the buckets only have more in them.
void admission::grow() noexcept
{
    const std::size_t count = buckets_.size() * 4;
    std::unique_ptr<address_record*[]> larger(new (std::nothrow) address_record* [count] {});
    if (larger == nullptr)
        return;
    const std::span<address_record*> before = std::exchange(buckets_, {larger.get(), count});
    for (address_record* each : before)
        while (each != nullptr) {
            address_record* const following = each->next;
            each->next = std::exchange(bucket_of(each->key), each);
            each = following;
        }
    more_buckets_ = std::move(larger);
}

} // namespace slk::messaging
