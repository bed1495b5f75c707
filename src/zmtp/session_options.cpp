// SPDX-License-Identifier: MPL-2.0
#include "zmtp/session_options.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

constexpr std::size_t max_credential = 255; // its length is one byte
/// This side's READY must pass max_handshake_size of other serverlinks, whose max_metadata_size may
/// have to be raised for it.
constexpr std::size_t max_metadata = 32768;

unexpected refused(const char* detail) noexcept
{
    return fail(errc::invalid_argument, phase::setup, detail);
}

bool can_be_sent(const property& extra) noexcept
{
    return !extra.name.empty() && extra.name.size() <= max_property_name &&
           extra.value.size() <= max_metadata;
}

} // namespace

result<void> check(const session_options& options) noexcept
{
    if (!check_identity(bytes_of(options.metadata.identity)))
        return refused("identity: at most 255 bytes, the first one not zero");
    if (!std::ranges::all_of(options.metadata.application, can_be_sent))
        return refused("metadata: names of 1 to 255 bytes, values of at most 32768");
    if (metadata_size(options.metadata) > max_metadata)
        return refused("metadata: at most 32768 bytes in all");
    if (std::max(options.own_credentials.user.size(), options.own_credentials.password.size()) >
        max_credential)
        return refused("user and password: at most 255 bytes each");
    if ((options.security == mechanism::curve) != (options.curve != nullptr))
        return refused("curve: keys are for CURVE, which needs them");
    const frame_limits& limits = options.limits;
    if (std::max({limits.part, limits.command, limits.message}) > max_size)
        return refused("limits: at most 2^63-1 bytes");
    if (limits.parts == 0)
        return refused("limits: a message has at least one part");
    if (std::min({options.handshake_timeout, options.heartbeat_interval, options.heartbeat_ttl,
                  options.heartbeat_timeout.value_or(duration::zero())}) < duration::zero())
        return refused("a timeout is negative");
    if (options.heartbeat_ttl > max_ttl)
        return refused("heartbeat_ttl: at most 65.5 s");
    return {};
}

} // namespace slk::zmtp
