// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_PARTS_HPP
#define SLK_TESTS_INTEROP_PARTS_HPP

/// Messages as the tests compare them: the bytes of all their parts.

#include <serverlink/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slk::testing {

using parts = std::vector<std::string>;

/// Bytes that differ from those of any other seed.
[[nodiscard]] std::string random_bytes(std::uint64_t seed, std::size_t size);

/// Messages of every size that is handled differently, and messages of several parts.
[[nodiscard]] const std::vector<parts>& sample_messages();

[[nodiscard]] multipart to_multipart(const parts& whole);

/// Returns "2 parts: 5 8192 bytes", for failed checks: the bytes themselves may be too many.
[[nodiscard]] std::string shape_of(const parts& whole);

} // namespace slk::testing

#endif
