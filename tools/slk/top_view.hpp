// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_TOP_VIEW_HPP
#define SLK_TOOL_TOP_VIEW_HPP

/// The table of `slk top`, made of what a page of serverlink-http says at /state.

#include "output.hpp"
#include "tools/support/json.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace slk::tool {

/// A line, and which part of it has a colour.
struct top_line {
    std::string text;
    std::size_t begin = 0;
    std::size_t end = 0;
    colour in = colour::none;
};

/// The first `columns` characters of a text in UTF-8.
[[nodiscard]] std::string cut(std::string_view text, std::size_t columns);
/// The line with its colour, and at most `columns` characters of it.
[[nodiscard]] std::string shown(const printer& by, const top_line& line, std::size_t columns);
/// "999", "12.3k", "4.56M"
[[nodiscard]] std::string short_number(double value);

/// It remembers the sample before, for rates.
class top_view {
public:
    /// The heading of the table and a line for each socket, endpoint, peer, link and listener.
    [[nodiscard]] std::vector<top_line> lines(const json_value& page);

private:
    struct counts {
        double sent = 0;
        double received = 0;
    };
    struct row;

    void add(std::vector<top_line>& to, const row& what);
    [[nodiscard]] std::string rate(double now, double before) const;
    void add_socket(std::vector<top_line>& to, const json_value& socket);

    std::map<std::string, counts> before_;
    std::map<std::string, counts> now_;
    double time_before_ = -1;
    double time_ = 0;
};

} // namespace slk::tool

#endif
