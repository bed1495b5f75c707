// SPDX-License-Identifier: MPL-2.0

// The fuzzer's inputs, and changes of them, through the functions that the fuzzer calls.

#include "../../fuzz/targets.hpp"
#include "support/skip.hpp"
#include "vectors.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

std::vector<bytes> corpus_of(const std::string& target)
{
    const std::string folder = "tests/zmtp/corpus/" + target;
    const std::filesystem::path path =
        std::filesystem::path(std::getenv("SLK_SOURCE_ROOT")) / folder;
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    std::vector<bytes> inputs;
    for (const std::string& name : names)
        inputs.push_back(file_of(folder + "/" + name));
    return inputs;
}

} // namespace

TEST_CASE("every promise holds for every input of the corpus")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const fuzz::target& each : fuzz::targets()) {
        const std::vector<bytes> inputs = corpus_of(each.name);
        INFO(std::string(each.name));
        CHECK_FALSE(inputs.empty());
        for (const bytes& input : inputs) {
            CHECK_FALSE(input.empty());
            const char* const broken = each.run(input);
            CHECK_MESSAGE(broken == nullptr, broken, ": ", to_hex(input));
        }
    }
}

TEST_CASE("every promise holds for inputs that differ from the corpus in a byte or the length")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    random_stream random(5);
    for (const fuzz::target& each : fuzz::targets()) {
        INFO(std::string(each.name));
        for (const bytes& input : corpus_of(each.name)) {
            for (int round = 0; round < 20; ++round) {
                bytes changed = input;
                changed[random.next() % changed.size()] = static_cast<std::byte>(random.next());
                if (random.next() % 4 == 0)
                    changed.resize(random.next() % (changed.size() + 1));
                const char* const broken = each.run(changed);
                REQUIRE_MESSAGE(broken == nullptr, broken, ": ", to_hex(changed));
            }
        }
    }
}
