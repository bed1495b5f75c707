// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_TABLE_HPP
#define BENCH_MESSAGES_TABLE_HPP

/// What people read.

#include "outcome.hpp"

#include <string>

namespace bench {

std::string to_table(const outcome& of, const arguments& wanted);

} // namespace bench

#endif
