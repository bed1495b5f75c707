// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_TARGETS_HPP
#define SLK_FUZZ_TARGETS_HPP

/// What is done with bytes that anybody may have made up. The fuzzer looks for bytes for which
/// a promise does not hold; the unit tests replay tests/zmtp/corpus.

#include "zmtp/bytes.hpp"

namespace slk::fuzz {

struct target {
    const char* name;
    const char* (*run)(zmtp::byte_view data); ///< the promise that did not hold, or null
};

/// greeting, frames, commands; null, plain_client and plain_server are whole sessions.
[[nodiscard]] std::span<const target> targets() noexcept;

} // namespace slk::fuzz

#endif
