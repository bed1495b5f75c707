// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_TABLE_HPP
#define BENCH_MESSAGES_TABLE_HPP

#include "outcome.hpp"

#include <string>

namespace bench {

/// For people: one work, a row for each contender.
std::string to_table(const outcome& of, const arguments& options);

} // namespace bench

#endif
