// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_CHART_HPP
#define BENCH_MESSAGES_CHART_HPP

/// The ratios as an SVG picture: a group of bars for each work, from the line that is libzmq (or
/// the bare sockets, where libzmq took no part) to the contender's own ratio, on a logarithmic
/// axis. A thin line shows where the rounds' ratios lie.

#include "outcome.hpp"

#include <string>
#include <vector>

namespace bench {

std::string to_svg(const std::vector<outcome>& all);

} // namespace bench

#endif
