// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_ZMTP_VECTORS_HPP
#define SLK_TESTS_ZMTP_VECTORS_HPP

/// The captured bytes in tests/zmtp/vectors, and bytes as text.

#include "zmtp/bytes.hpp"

#include <map>
#include <string>
#include <vector>

namespace slk::testing {

using bytes = std::vector<std::byte>;

/// Returns false if SLK_SOURCE_ROOT, which meson test sets, is missing.
[[nodiscard]] bool know_the_sources();

/// The whole file, with the path from the root of the sources; empty if it cannot be read.
[[nodiscard]] bytes file_of(const std::string& path);

/// Every line of tests/zmtp/vectors/<file>.hex.
[[nodiscard]] const std::map<std::string, bytes>& vectors_of(const std::string& file);

/// One of them, which must be there.
[[nodiscard]] const bytes& vector_of(const std::string& file, const std::string& name);

/// "04 05 ..." as bytes; what is no pair of digits ends it.
[[nodiscard]] bytes from_hex(std::string_view digits);
[[nodiscard]] std::string to_hex(zmtp::byte_view data);

[[nodiscard]] bytes operator+(bytes first, const bytes& more);
[[nodiscard]] bytes bytes_of(std::string_view text);

} // namespace slk::testing

#endif
