// SPDX-License-Identifier: MPL-2.0
#include <serverlink/random.hpp>
#include <serverlink/reconnect.hpp>

#include <algorithm>

namespace slk {

std::string_view name_of(failure_class value) noexcept
{
    switch (value) {
    case failure_class::refused: return "refused";
    case failure_class::unreachable: return "unreachable";
    case failure_class::timed_out: return "timed_out";
    case failure_class::name_not_found: return "name_not_found";
    case failure_class::name_lookup_failed: return "name_lookup_failed";
    case failure_class::no_local_port: return "no_local_port";
    case failure_class::out_of_resources: return "out_of_resources";
    case failure_class::bad_local_address: return "bad_local_address";
    case failure_class::permission: return "permission";
    case failure_class::connection_lost: return "connection_lost";
    case failure_class::peer_closed: return "peer_closed";
    case failure_class::closed_locally: return "closed_locally";
    case failure_class::protocol: return "protocol";
    case failure_class::authentication: return "authentication";
    case failure_class::unsupported: return "unsupported";
    case failure_class::other: return "other";
    }
    return "other";
}

std::string_view name_of(retry_rule value) noexcept
{
    switch (value) {
    case retry_rule::retry: return "retry";
    case retry_rule::retry_slowly: return "retry_slowly";
    case retry_rule::stop: return "stop";
    }
    return "retry";
}

failure_class classify(const error& failure) noexcept
{
    switch (failure.code) {
    case errc::connection_refused:
    case errc::self_connect: return failure_class::refused;
    case errc::network_unreachable:
    case errc::host_unreachable:
    case errc::network_down: return failure_class::unreachable;
    case errc::timed_out: return failure_class::timed_out;
    case errc::name_not_found: return failure_class::name_not_found;
    case errc::name_lookup_failed: return failure_class::name_lookup_failed;
    case errc::no_local_port:
    case errc::address_in_use: return failure_class::no_local_port;
    case errc::too_many_descriptors:
    case errc::out_of_memory: return failure_class::out_of_resources;
    case errc::address_not_available: return failure_class::bad_local_address;
    case errc::permission_denied: return failure_class::permission;
    case errc::connection_reset:
    case errc::connection_aborted:
    case errc::not_connected:
    case errc::broken_pipe: return failure_class::connection_lost;
    case errc::end_of_stream: return failure_class::peer_closed;
    case errc::cancelled: return failure_class::closed_locally;
    case errc::protocol_error:
    case errc::message_too_large: return failure_class::protocol;
    case errc::authentication_refused: return failure_class::authentication;
    case errc::not_supported:
    case errc::address_family_not_supported: return failure_class::unsupported;
    case errc::ok:
    case errc::invalid_argument:
    case errc::invalid_state:
    case errc::in_progress:
    case errc::already_exists:
    case errc::not_found:
    case errc::loop_closed:
    case errc::rejected:
    case errc::forked:
    case errc::no_route:
    case errc::peer_replaced:
    case errc::would_block:
    case errc::interrupted:
    case errc::unknown: break;
    }
    return failure_class::other;
}

retry_policy::retry_policy() noexcept
{
    rules_.fill(retry_rule::retry);
    for (const failure_class hard_to_mend :
         {failure_class::name_not_found, failure_class::bad_local_address,
          failure_class::permission, failure_class::protocol, failure_class::authentication,
          failure_class::unsupported, failure_class::other})
        set(hard_to_mend, retry_rule::retry_slowly);
}

result<void> reconnect_options::validate() const
{
    const auto bad = [](const char* what) {
        return fail(errc::invalid_argument, phase::setup, what);
    };
    if (base < duration::zero() && base != reconnect_never)
        return bad("reconnect.base is negative");
    if (floor < duration::zero())
        return bad("reconnect.floor is negative");
    if (cap < duration::zero() || cap < base)
        return bad("reconnect.cap is less than reconnect.base");
    if (connect_timeout < duration::zero())
        return bad("reconnect.connect_timeout is negative");
    if (address_stagger < std::chrono::milliseconds(100) ||
        address_stagger > std::chrono::seconds(2))
        return bad("reconnect.address_stagger is not 100 ms to 2 s");
    if (stable_after < duration::zero())
        return bad("reconnect.stable_after is negative");
    return {};
}

namespace {

/// floor + U[min, max], saturating at the largest duration.
duration spread(duration floor, duration min, duration max, std::uint64_t random) noexcept
{
    const auto range = static_cast<std::uint64_t>((max - min).count());
    const duration drawn = min + duration(static_cast<duration::rep>(scale(random, range)));
    return drawn > duration::max() - floor ? duration::max() : floor + drawn;
}

} // namespace

duration backoff_delay(const reconnect_options& options, std::uint32_t retry,
                       std::uint64_t random) noexcept
{
    duration limit = options.cap;
    // base * 2^retry without overflow: it passes the cap exactly if base passes cap / 2^retry.
    if (retry < 63 && options.base <= duration(options.cap.count() >> retry))
        limit = duration(options.base.count() << retry);
    return spread(options.floor, duration::zero(), limit, random);
}

duration slow_backoff_delay(const reconnect_options& options, std::uint64_t random) noexcept
{
    return spread(options.floor, options.cap / 2, options.cap, random);
}

} // namespace slk
