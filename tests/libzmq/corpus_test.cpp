// SPDX-License-Identifier: MPL-2.0

// Sequences of calls of zmq.h: the fuzzer's inputs, and changes of them.

#include "../../fuzz/libzmq_target.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

using namespace slk;

TEST_CASE("the stand-in for libzmq keeps its promises in sequences of calls")
{
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    random_stream random(7);
    const int rounds = testing::slow_build ? 3 : 20;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(root) /
                                                                 "tests/zmtp/corpus/libzmq")) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string sequence(std::istreambuf_iterator<char>(file), {});
        for (int round = 0; round < rounds; ++round) {
            std::string changed = sequence;
            if (round > 0)
                for (std::size_t count = 1 + random.next() % 8; count > 0; --count)
                    changed[random.next() % changed.size()] = static_cast<char>(random.next());
            CAPTURE(entry.path().filename().string());
            CAPTURE(round);
            const char* const broken = fuzz::run_libzmq(std::as_bytes(std::span(changed)));
            REQUIRE_MESSAGE(broken == nullptr, broken);
        }
    }
}
