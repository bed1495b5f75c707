// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_ARGUMENTS_HPP
#define BENCH_MESSAGES_ARGUMENTS_HPP

#include "contender.hpp"
#include "work.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace bench {

struct arguments {
    bool help = false;
    unsigned rounds = 5;
    double seconds = 1;
    std::optional<int> high_water_mark{};
    std::vector<const work*> works{};           ///< all, unless some are named
    std::vector<const contender*> contenders{}; ///< likewise
    std::string json{};                         ///< files to write; empty: none
    std::string svg{};
    std::string markdown{};

    /// Set: this process is one side of one measurement. See roles.hpp.
    std::string role{};
    std::string endpoint{};
    pid_t parent = 0; ///< the process ends with that one; 0: it is on its own
};

/// Nothing, after a word on standard error, if they are wrong.
std::optional<arguments> read_arguments(int count, char** words);

/// All of it, with the names of works and contenders.
std::string usage();

} // namespace bench

#endif
