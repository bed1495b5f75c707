// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_ROLES_HPP
#define BENCH_MESSAGES_ROLES_HPP

/// One side of one measurement: what the program does with `--role`.
///
/// A receiver, a server or a publisher prints `bound <endpoint>` first; the other side is given
/// that with --endpoint. A proxy prints two endpoints: the sender's, and the receiver's. The
/// receiver, the client or the subscribers print `began` when they begin to measure, and `done ...`
/// with the results: `messages seconds` of a stream, `count p50 p99 p99.9` of round trips, one
/// way, in seconds. `both` is a receiver and a sender in two threads. By hand, in two shells:
///
///     bench-messages --role receiver --contender libzmq --only tcp-64
///     bench-messages --role sender --contender libzmq --only tcp-64 --endpoint tcp://...

#include "arguments.hpp"

namespace bench {

/// Returns the exit code.
int play_role(const arguments& options);

} // namespace bench

#endif
