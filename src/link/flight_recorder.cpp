// SPDX-License-Identifier: MPL-2.0
#include "link/flight_recorder.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <bit>

namespace slk::link_detail {

namespace {

// The fourth word, from the low end: native 32 bits, code 12, phase 4, event 4, from 4, to 4.
// The third holds the delay in ms and the attempt, 32 bits each.
constexpr unsigned code_shift = 32;
constexpr unsigned phase_shift = 44;
constexpr unsigned event_shift = 48;
constexpr unsigned from_shift = 52;
constexpr unsigned to_shift = 56;

template <class Enum>
std::uint64_t bits(Enum value, unsigned shift)
{
    return static_cast<std::uint64_t>(value) << shift;
}

template <class Enum>
Enum field(std::uint64_t word, unsigned shift, std::uint64_t mask)
{
    return static_cast<Enum>((word >> shift) & mask);
}

} // namespace

flight_recorder::packed flight_recorder::pack(const link_transition& move) noexcept
{
    const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(move.delay).count();
    const auto delay_ms = static_cast<std::uint64_t>(std::min<std::int64_t>(delay, UINT32_MAX));
    return {static_cast<std::uint64_t>(move.at.time_since_epoch().count()),
            static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(move.reason.detail)),
            (delay_ms << 32) | move.attempt,
            std::bit_cast<std::uint32_t>(move.reason.native) | bits(move.reason.code, code_shift) |
                bits(move.reason.phase, phase_shift) | bits(move.event, event_shift) |
                bits(move.from, from_shift) | bits(move.to, to_shift)};
}

link_transition flight_recorder::unpack(const packed& words) noexcept
{
    const std::uint64_t last = words[3];
    return {
        .at = time_point(duration(static_cast<duration::rep>(words[0]))),
        .from = field<link_state>(last, from_shift, 15),
        .to = field<link_state>(last, to_shift, 15),
        .event = field<link_event>(last, event_shift, 15),
        .attempt = static_cast<std::uint32_t>(words[2]),
        .reason = {field<errc>(last, code_shift, 4095), field<phase>(last, phase_shift, 15),
                   std::bit_cast<std::int32_t>(static_cast<std::uint32_t>(last)),
                   reinterpret_cast<const char*>(static_cast<std::uintptr_t>(words[1]))},
        .delay = std::chrono::milliseconds(words[2] >> 32),
    };
}

void flight_recorder::record(link_transition& move) noexcept
{
    const std::uint64_t index = begun_.load(std::memory_order_relaxed);
    move.number = index + 1;
    begun_.store(index + 1, std::memory_order_relaxed);
    const packed words = pack(move);
    const std::size_t first = index % link::flight_recorder_size * words_per_move;
    // Release keeps each word behind begun_, for the reader's second check: see base/seqlock.hpp.
    for (std::size_t i = 0; i < words_per_move; ++i)
        ring_[first + i].store(words[i], std::memory_order_release);
    finished_.store(index + 1, std::memory_order_release);
}

std::vector<link_transition> flight_recorder::moves() const
{
    const std::uint64_t end = finished_.load(std::memory_order_acquire);
    const std::uint64_t kept = std::min<std::uint64_t>(end, link::flight_recorder_size);
    std::vector<link_transition> moves;
    if (!try_reserve(moves, static_cast<std::size_t>(kept)))
        return moves;
    for (std::uint64_t index = end - kept; index < end; ++index) {
        const std::size_t first = index % link::flight_recorder_size * words_per_move;
        packed words;
        for (std::size_t i = 0; i < words_per_move; ++i)
            words[i] = ring_[first + i].load(std::memory_order_acquire);
        if (begun_.load(std::memory_order_relaxed) > index + link::flight_recorder_size) {
            // Overwritten meanwhile: the moves before it would leave a gap.
            moves.clear();
            continue;
        }
        moves.push_back(unpack(words));
        moves.back().number = index + 1;
    }
    return moves;
}

} // namespace slk::link_detail
