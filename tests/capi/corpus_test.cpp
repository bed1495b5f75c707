// SPDX-License-Identifier: MPL-2.0

// Sequences of calls of the C API: the fuzzer's inputs, and changes of them.

#include "../../fuzz/capi_target.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

using namespace slk;

namespace {

/// By the names of the files. Empty without SLK_SOURCE_ROOT, which meson test sets.
std::map<std::string, std::string> sequences()
{
    std::map<std::string, std::string> all;
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        return all;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(root) /
                                                                 "tests/zmtp/corpus/capi")) {
        std::ifstream file(entry.path(), std::ios::binary);
        all[entry.path().filename().string()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return all;
}

const char* run(const std::string& sequence)
{
    return fuzz::run_capi(std::as_bytes(std::span(sequence)));
}

} // namespace

TEST_CASE("the C API keeps its promises in every sequence of the corpus")
{
    const auto all = sequences();
    if (all.empty())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const auto& [name, sequence] : all) {
        CAPTURE(name);
        const char* const broken = run(sequence);
        CHECK_MESSAGE(broken == nullptr, broken);
    }
}

TEST_CASE("the C API keeps its promises in sequences that differ from the corpus")
{
    const auto all = sequences();
    if (all.empty())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const int rounds = testing::slow_build ? 3 : 20;
    random_stream random(5);
    for (const auto& [name, sequence] : all) {
        for (int round = 0; round < rounds; ++round) {
            std::string changed = sequence;
            for (std::size_t count = 1 + random.next() % 4; count > 0; --count)
                changed[random.next() % changed.size()] = static_cast<char>(random.next());
            if (random.next() % 4 == 0)
                changed.resize(1 + random.next() % changed.size());
            CAPTURE(name);
            CAPTURE(round);
            const char* const broken = run(changed);
            REQUIRE_MESSAGE(broken == nullptr, broken);
        }
    }
}
