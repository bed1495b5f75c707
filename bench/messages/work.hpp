// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_WORK_HPP
#define BENCH_MESSAGES_WORK_HPP

/// The works that are measured.

#include <cstddef>
#include <span>
#include <string_view>

namespace bench {

enum class pattern {
    stream,     ///< one side sends, the other one receives
    round_trip, ///< one side sends a request and waits for the reply, one at a time
    fan_out,    ///< one side publishes, and several sockets of the other one receive all of it
    topics, ///< one side publishes, and a socket of the other one has subscribed to many topics
    requests, ///< several REQ of one side ask a REP of the other, each one at a time
    routed, ///< the same with DEALERs and a ROUTER
    forwarded, ///< a stream, by way of a proxy in a process of its own
    queued, ///< the same from a DEALER by ROUTER and DEALER to a DEALER
    published, ///< the same from a PUB by XSUB and XPUB to a SUB; what arrives counts
};

constexpr bool has_proxy(pattern kind)
{
    return kind == pattern::forwarded || kind == pattern::queued || kind == pattern::published;
}

/// Whether one socket asks, the other one replies, and each time is measured.
constexpr bool is_timed(pattern kind)
{
    return kind == pattern::round_trip;
}
/// Whether several sockets of one side ask, and the replies are counted.
constexpr bool has_askers(pattern kind)
{
    return kind == pattern::requests || kind == pattern::routed;
}

/// "a stream".
std::string_view name_of(pattern kind);
/// "Messages per second of a stream (more is better)".
std::string_view score_of(pattern kind);
/// For machines: "stream".
std::string_view key_of(pattern kind);

enum class transport { tcp, ipc, inproc };

struct work {
    std::string_view name;
    std::string_view title;
    pattern kind;
    transport over;
    std::size_t size; ///< bytes of a message
    /// The ratio that serverlink should reach, for the chart, and in words; 0 and empty: none.
    double target_to_libzmq = 0;
    std::string_view target{};
    /// Subscribers of a fan_out, askers, or of `topics` the number of topics.
    std::size_t count = 0;
    /// Of `topics`: their lengths differ, so that many beginnings of a message may be topics.
    bool nested = false;
    bool curve = false; ///< the receiver is a CURVE server
};

std::span<const work> all_works();
const work* find_work(std::string_view name);

} // namespace bench

#endif
