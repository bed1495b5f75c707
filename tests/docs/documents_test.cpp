// SPDX-License-Identifier: MPL-2.0

// Text that the documents repeat from the sources must be the same in both.

#include "../../tools/states/render.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace {

/// Returns a file below SLK_SOURCE_ROOT, with the line ends of Unix.
std::optional<std::string> source_file(const std::string& path)
{
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        return std::nullopt;
    std::ifstream file(std::string(root) + "/" + path, std::ios::binary);
    if (!file)
        return std::nullopt;
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::erase(text, '\r');
    return text;
}

bool same_text(const std::string& left, const std::string& right)
{
    return left == right; // so that doctest does not print both documents
}

} // namespace

TEST_CASE("the state documents follow from the transition table")
{
    const auto markdown = source_file("docs/states.md");
    const auto picture = source_file("docs/states.svg");
    if (std::getenv("SLK_SOURCE_ROOT") == nullptr)
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    REQUIRE(markdown.has_value());
    REQUIRE(picture.has_value());
    CHECK_MESSAGE(same_text(*markdown, slk::states::markdown()), "run ./dev states");
    CHECK_MESSAGE(same_text(*picture, slk::states::svg()), "run ./dev states");
}

TEST_CASE("the examples in the readme equal those that are built")
{
    const auto readme = source_file("README.md");
    if (std::getenv("SLK_SOURCE_ROOT") == nullptr)
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    REQUIRE(readme.has_value());
    for (const char* name : {"examples/keep_a_link.cpp", "examples/send_a_message.cpp"}) {
        CAPTURE(name);
        const auto example = source_file(name);
        REQUIRE(example.has_value());
        // Without the comments at the top, which the readme does not repeat.
        const std::string code = example->substr(example->find("#include"));
        CHECK(readme->find("```cpp\n" + code + "```\n") != std::string::npos);
    }
    const auto in_c = source_file("examples/router_dealer.c");
    REQUIRE(in_c.has_value());
    CHECK(readme->find("```c\n" + in_c->substr(in_c->find("#include")) + "```\n") !=
          std::string::npos);
}
