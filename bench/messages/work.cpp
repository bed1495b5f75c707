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
};

} // namespace

std::string_view name_of(pattern kind)
{
    switch (kind) {
    case stream: return "a stream";
    case round_trip: return "round trips";
    case fan_out: return "a fan-out";
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
