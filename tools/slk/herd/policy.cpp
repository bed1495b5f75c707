// SPDX-License-Identifier: MPL-2.0
#include "herd/policy.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace slk::tool::herd {

namespace {

using namespace std::chrono_literals;

/// A random time from min to max, both included.
duration between(random_stream& random, duration min, duration max)
{
    const auto range = static_cast<std::uint64_t>((max - min).count());
    return min + duration(static_cast<duration::rep>(scale(random.next(), range)));
}

/// start * 2^retries, at most `cap`.
duration doubled(duration start, std::uint32_t retries, duration cap)
{
    return retries < 30 ? std::min(cap, start * (std::int64_t{1} << retries)) : cap;
}

duration spread_by_a_fifth(random_stream& random, duration middle)
{
    return between(random, middle - middle / 5, middle + middle / 5);
}

// ZeroMQ's reconnect_ivl of 100 ms, without and with reconnect_ivl_max.

duration libzmq(retry_state&, random_stream& random)
{
    return between(random, 100ms, 200ms - 1ns);
}

duration libzmq_30s(retry_state& client, random_stream&)
{
    return doubled(100ms, client.retries, 30s);
}

/// Whole milliseconds from 0 to one less than the current limit.
duration nng(retry_state& client, random_stream& random)
{
    const auto limit =
        std::chrono::duration_cast<std::chrono::milliseconds>(doubled(10ms, client.retries, 1s));
    return std::chrono::milliseconds(
        scale(random.next(), static_cast<std::uint64_t>(limit.count()) - 1));
}

/// The first delay has no random part.
duration grpc(retry_state& client, random_stream& random)
{
    if (client.retries == 0)
        return 1s;
    duration middle = 1s;
    for (std::uint32_t i = 0; i < client.retries && middle < 120s; ++i)
        middle = middle * 8 / 5;
    return spread_by_a_fifth(random, std::min<duration>(middle, 120s));
}

duration tigerbeetle(retry_state& client, random_stream& random)
{
    return 50ms + between(random, 0ms, doubled(50ms, client.retries, 950ms));
}

duration kafka(retry_state& client, random_stream& random)
{
    return spread_by_a_fifth(random, doubled(50ms, client.retries, 1s));
}

duration nats(retry_state&, random_stream& random)
{
    return 2s + between(random, 0ms, 100ms - 1ns);
}

// The article of AWS names no times. These are a base like the others', and a long cap.

duration aws_full(retry_state& client, random_stream& random)
{
    return between(random, 0ms, doubled(100ms, client.retries, 30s));
}

duration aws_decorrelated(retry_state& client, random_stream& random)
{
    const duration previous = std::max<duration>(client.previous, 100ms);
    return std::min<duration>(30s, between(random, 100ms, 3 * previous));
}

constexpr std::array all{
    policy{.name = "serverlink", .title = "serverlink"},
    policy{.name = "libzmq",
           .title = "libzmq",
           .delay = libzmq,
           .max = 200ms,
           .reset = reset_rule::at_connect},
    policy{.name = "libzmq-30s",
           .title = "libzmq, max 30 s",
           .delay = libzmq_30s,
           .max = 30s,
           .reset = reset_rule::at_connect},
    policy{.name = "nng", .title = "nng", .delay = nng, .max = 1s},
    policy{.name = "grpc", .title = "gRPC", .delay = grpc, .max = 144s, .from_beginning = true},
    policy{.name = "tigerbeetle", .title = "TigerBeetle", .delay = tigerbeetle, .max = 1s},
    policy{.name = "kafka", .title = "Kafka", .delay = kafka, .max = 1200ms},
    policy{.name = "nats", .title = "NATS", .delay = nats, .max = 2100ms},
    policy{.name = "aws-full", .title = "AWS full jitter", .delay = aws_full, .max = 30s},
    policy{.name = "aws-decorrelated",
           .title = "AWS decorrelated",
           .delay = aws_decorrelated,
           .max = 30s},
};

} // namespace

std::span<const policy> policies() noexcept
{
    return all;
}

const policy* find_policy(std::string_view name) noexcept
{
    const auto found = std::ranges::find(all, name, &policy::name);
    return found != all.end() ? &*found : nullptr;
}

std::string policy_names()
{
    std::string names;
    for (const policy& each : all)
        names += (names.empty() ? "" : ", ") + std::string(each.name);
    return names;
}

duration max_delay(const policy& which, const reconnect_options& options) noexcept
{
    // A base of 0 retries at once, up to 100 times a second.
    if (which.delay == nullptr)
        return options.base == 0ns ? duration(10ms) : options.floor + options.cap;
    return which.max;
}

} // namespace slk::tool::herd
