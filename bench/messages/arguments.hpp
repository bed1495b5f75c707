// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_ARGUMENTS_HPP
#define BENCH_MESSAGES_ARGUMENTS_HPP

#include "contender.hpp"
#include "work.hpp"

#include "tools/support/command_line.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct arguments {
    unsigned rounds = 5;
    double seconds = 1;
    std::optional<int> high_water_mark{};
    std::vector<const work*> works{};           ///< all, unless some are named
    std::vector<const contender*> contenders{}; ///< all, unless some are named
    std::string json{};                         ///< a file to write; empty: none
    std::string markdown{};                     ///< a file to write; empty: none

    /// Set: this process is one side of one measurement. See roles.hpp.
    std::string role{};
    std::string endpoint{};
    int parent = 0; ///< the process ends with that one; 0: with none
};

void add_options(slk::tool::command& to, arguments& into);
/// Names all works and contenders, unless the command line names some.
void add_defaults(arguments& to);

} // namespace bench

#endif
