// SPDX-License-Identifier: MPL-2.0
#include "work.hpp"

#include <algorithm>
#include <array>

namespace bench {

namespace {

using enum pattern;
using enum transport;

constexpr work fan_out_to(std::string_view name, std::string_view title, std::size_t subscribers,
                          double target, std::string_view text)
{
    return {name, title, fan_out, tcp, 64, target, text, subscribers};
}

constexpr work counted(std::string_view name, std::string_view title, pattern kind,
                       std::size_t count, bool nested = false)
{
    return {name, title, kind, tcp, 64, 0, {}, count, nested};
}

constexpr work encrypted(std::string_view name, std::string_view title, std::size_t size,
                         double target, std::string_view text)
{
    return {name, title, stream, tcp, size, target, text, 0, false, true};
}

constexpr std::size_t million = 1'000'000;

constexpr std::size_t kilo = 1024;

constexpr std::array works = {
    work{"tcp-16", "tcp, 16 B", stream, tcp, 16},
    work{"tcp-64", "tcp, 64 B", stream, tcp, 64, 5,
         "serverlink at least 5 x libzmq and 0.5 x the bare stream"},
    work{"tcp-256", "tcp, 256 B", stream, tcp, 256},
    work{"tcp-1K", "tcp, 1 KiB", stream, tcp, kilo, 2.5, "serverlink at least 2.5 x libzmq"},
    work{"tcp-8K", "tcp, 8 KiB", stream, tcp, 8 * kilo},
    work{"tcp-64K", "tcp, 64 KiB", stream, tcp, 64 * kilo, 1.3, "serverlink at least 1.3 x libzmq"},
    work{"tcp-1M", "tcp, 1 MiB", stream, tcp, kilo* kilo},
    work{"ipc-64", "ipc, 64 B", stream, ipc, 64},
    work{"ipc-1K", "ipc, 1 KiB", stream, ipc, kilo},
    work{"inproc-64", "inproc, 64 B", stream, inproc, 64, 2, "serverlink at least 2 x libzmq"},
    work{"tcp-round-trip", "tcp, 64 B", round_trip, tcp, 64, 0.8,
         "serverlink with a thread at most 0.8 x libzmq, without at most 1.25 x bare epoll"},
    fan_out_to("pub-1", "tcp, 64 B, PUB to 1 SUB", 1, 3, "serverlink at least 3 x libzmq"),
    fan_out_to("pub-10", "tcp, 64 B, PUB to 10 SUB", 10, 4, "serverlink at least 4 x libzmq"),
    fan_out_to("pub-100", "tcp, 64 B, PUB to 100 SUB", 100, 5, "serverlink at least 5 x libzmq"),
    fan_out_to("pub-1000", "tcp, 64 B, PUB to 1,000 SUB", 1000, 0, {}),
    counted("topics-1M", "tcp, 64 B, SUB with 1,000,000 topics", topics, million),
    counted("topics-1M-nested", "tcp, 64 B, 1,000,000 topics of 56 lengths", topics, million, true),
    counted("req-1", "tcp, 64 B, 1 REQ to a REP", requests, 1),
    counted("req-1000", "tcp, 64 B, 1,000 REQ to a REP", requests, 1000),
    counted("dealer-1", "tcp, 64 B, 1 DEALER to a ROUTER", routed, 1),
    counted("dealer-1000", "tcp, 64 B, 1,000 DEALER to a ROUTER", routed, 1000),
    encrypted("curve-64", "tcp with CURVE, 64 B", 64, 2, "serverlink at least 2 x libzmq"),
    encrypted("curve-64K", "tcp with CURVE, 64 KiB", 64 * kilo, 1.1,
              "serverlink at least 1.1 x libzmq"),
    counted("proxy-64", "tcp, 64 B, PUSH by a proxy to PULL", forwarded, 0),
    counted("proxy-queue-64", "tcp, 64 B, DEALER by ROUTER and DEALER to DEALER", queued, 0),
    counted("proxy-pub-64", "tcp, 64 B, PUB by XSUB and XPUB to SUB", published, 0),
};

} // namespace

std::string_view name_of(pattern kind)
{
    switch (kind) {
    case stream: return "a stream";
    case round_trip: return "round trips";
    case fan_out: return "a fan-out";
    case topics: return "a fan-out by topics";
    case requests: return "requests";
    case routed: return "routed requests";
    case forwarded:
    case queued:
    case published: return "a stream by a proxy";
    }
    return "";
}

std::string_view score_of(pattern kind)
{
    switch (kind) {
    case stream: return "Messages per second of a stream (more is better)";
    case round_trip: return "Time of one way of a round trip (p50; less is better)";
    case fan_out: return "Messages per second of all subscribers (more is better)";
    case topics: return "Messages per second of a subscriber with many topics (more is better)";
    case requests:
    case routed: return "Replies per second of all who ask (more is better)";
    case forwarded: return "Messages per second of a stream by a proxy (more is better)";
    case queued: return "Messages per second by a proxy of ROUTER and DEALER (more is better)";
    case published: return "Messages per second by a proxy of XSUB and XPUB (more is better)";
    }
    return "";
}

std::string_view key_of(pattern kind)
{
    switch (kind) {
    case stream: return "stream";
    case round_trip: return "round_trip";
    case fan_out: return "fan_out";
    case topics: return "topics";
    case requests: return "requests";
    case routed: return "routed";
    case forwarded:
    case queued:
    case published: return "forwarded";
    }
    return "";
}

std::span<const work> all_works()
{
    return works;
}

const work* find_work(std::string_view name)
{
    const auto* const found = std::ranges::find(works, name, &work::name);
    return found == works.end() ? nullptr : found;
}

} // namespace bench
