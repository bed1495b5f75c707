// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_CURVE_SIDES_HPP
#define SLK_FUZZ_CURVE_SIDES_HPP

/// The keys of a CURVE client and a CURVE server that repeat the recorded sessions of
/// tests/zmtp/vectors, so that the fuzzer gets behind the first box.

#include "zmtp/session_options.hpp"

namespace slk::fuzz {

/// Gives the options of a session the side's keys, and the random numbers of the recording from
/// their beginning. One session at a time.
void renew_curve(zmtp::session_options& options);

} // namespace slk::fuzz

#endif
