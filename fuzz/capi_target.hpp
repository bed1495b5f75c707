// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_CAPI_TARGET_HPP
#define SLK_FUZZ_CAPI_TARGET_HPP

#include "zmtp/bytes.hpp"

namespace slk::fuzz {

/// A sequence of calls of the C API. Returns the broken promise, or null.
[[nodiscard]] const char* run_capi(zmtp::byte_view data);

} // namespace slk::fuzz

#endif
