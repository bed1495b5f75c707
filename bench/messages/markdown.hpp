// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_MARKDOWN_HPP
#define BENCH_MESSAGES_MARKDOWN_HPP

/// The ratios as tables of a document: a row for each work, a column for each contender.

#include "outcome.hpp"

#include <string>
#include <vector>

namespace bench {

std::string to_markdown(const std::vector<outcome>& all, const arguments& options);

} // namespace bench

#endif
