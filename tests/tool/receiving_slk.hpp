// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_RECEIVING_SLK_HPP
#define SLK_TESTS_TOOL_RECEIVING_SLK_HPP

/// A slk receive or a slk send that listens beside the test.

#include "run_slk.hpp"

#include <doctest/doctest.h>

#include <string>

namespace slk::testing {

class listening_slk {
public:
    /// `arguments` contain a --bind, and an option by which the command ends (--wait).
    explicit listening_slk(const std::string& arguments) : tool(arguments)
    {
        const std::string intro = "listening on ";
        const std::string first = tool.line();
        CAPTURE(first);
        REQUIRE(first.starts_with(intro));
        where = first.substr(intro.size());
    }

    running_slk tool;
    std::string where; ///< the endpoint
};

/// Any free port, and a new file.
inline constexpr const char* any_tcp = " --bind tcp://127.0.0.1:0 ";
inline constexpr const char* any_ipc = " --bind \"ipc://*\" ";

/// slk receive at an endpoint of its own, which gives up after half a minute without a message.
class receiving_slk : public listening_slk {
public:
    explicit receiving_slk(const std::string& type_and_options, const std::string& at = any_tcp)
        : listening_slk("receive --wait 30s " + type_and_options + at)
    {
    }
};

[[nodiscard]] inline bool has(const run_result& result, const std::string& text)
{
    return result.out.find(text) != std::string::npos;
}

} // namespace slk::testing

#endif
