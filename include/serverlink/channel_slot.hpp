// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CHANNEL_SLOT_HPP
#define SERVERLINK_CHANNEL_SLOT_HPP

/// slk::slot_of: the slot of a channel, by which sharded_pubsub and pubsub_cluster choose where it
/// lives. The slots are those of Redis Cluster.

#include <serverlink/export.hpp>

#include <cstdint>
#include <string_view>

namespace slk {

/// The number of slots, as in a Redis cluster.
inline constexpr std::uint32_t slot_count = 16384;
/// Returns CRC16 (XMODEM: polynomial 0x1021, from 0) of the channel's name modulo slot_count. If
/// the name has a '{', and behind it a '}' that does not follow at once, only what is between the
/// two counts: so "{user1}.name" and "{user1}.mail" have the same slot.
[[nodiscard]] SLK_API std::uint32_t slot_of(std::string_view channel) noexcept;

} // namespace slk

#endif
