// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_JSON_HPP
#define BENCH_MESSAGES_JSON_HPP

/// What machines read: the machine, the options, and all samples.

#include "outcome.hpp"

#include <string>
#include <vector>

namespace bench {

std::string to_json(const std::vector<outcome>& all, const arguments& wanted);

} // namespace bench

#endif
