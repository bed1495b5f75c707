// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_WIPE_HPP
#define SLK_BASE_WIPE_HPP

/// Passwords do not stay in memory that is given back.

#include <cstddef>
#include <span>
#include <string>

namespace slk {

/// Overwrites the bytes. The compiler does not remove this, although nothing reads them afterwards.
void wipe(std::span<std::byte> bytes) noexcept;
/// Overwrites all memory of the text, which is empty then.
void wipe(std::string& text) noexcept;

} // namespace slk

#endif
