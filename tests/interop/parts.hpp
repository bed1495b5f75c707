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

/// So many bytes that are like no others.
[[nodiscard]] std::string random_bytes(std::uint64_t seed, std::size_t size);

/// Messages of all the sizes at which something changes, and messages of parts.
[[nodiscard]] const std::vector<parts>& sample_messages();

[[nodiscard]] multipart to_multipart(const parts& whole);

/// "2 parts: 5, 8192 bytes", for messages of failed checks: the bytes themselves may be many.
[[nodiscard]] std::string shape_of(const parts& whole);

} // namespace slk::testing

#endif
