// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_TARGETS_HPP
#define SLK_FUZZ_TARGETS_HPP

/// Functions for arbitrary input. The fuzzer searches for input that breaks a promise; the unit
/// tests replay tests/zmtp/corpus.

#include "zmtp/bytes.hpp"

namespace slk::fuzz {

struct target {
    const char* name;
    const char* (*run)(zmtp::byte_view data); ///< returns the broken promise, or null
};

/// greeting, frames, commands; null, plain_... and curve_... are whole sessions; requests,
/// subscriptions and globs are about topics; capi is a sequence of calls of the C API, libzmq one
/// of calls of zmq.h.
[[nodiscard]] std::span<const target> targets() noexcept;

} // namespace slk::fuzz

#endif
