// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_LIBZMQ_TARGET_HPP
#define SLK_FUZZ_LIBZMQ_TARGET_HPP

#include "zmtp/bytes.hpp"

namespace slk::fuzz {

/// A sequence of calls of zmq.h. Returns the broken promise, or null.
[[nodiscard]] const char* run_libzmq(zmtp::byte_view data);

} // namespace slk::fuzz

#endif
