// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_JSON_HPP
#define BENCH_MESSAGES_JSON_HPP

#include "outcome.hpp"

#include <string>
#include <vector>

namespace bench {

/// For programs: the machine, the options, all samples and their ratios.
std::string to_json(const std::vector<outcome>& all, const arguments& options);

} // namespace bench

#endif
