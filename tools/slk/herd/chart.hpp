// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HERD_CHART_HPP
#define SLK_TOOL_HERD_CHART_HPP

/// A chart of the attempts per second over time, one panel for each policy, as SVG.

#include <serverlink/clock.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slk::tool::herd {

struct panel {
    std::string title;
    /// Attempts per second, one for each bin of `bin_width` after the loss of the server.
    std::vector<double> rates;
    std::optional<double> all_back; ///< seconds after the server's return
};

struct chart {
    std::string title;
    duration returned{};
    double capacity = 0; ///< accepts per second
    std::vector<panel> panels;
};

inline constexpr duration bin_width = std::chrono::milliseconds(100);

/// The time after the server's return that the chart shows.
inline constexpr duration shown_after_return = std::chrono::seconds(30);

[[nodiscard]] std::string to_svg(const chart& drawn);

} // namespace slk::tool::herd

#endif
