// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_MEMORY_MATRIX_HPP
#define SLK_TESTS_MEMORY_MATRIX_HPP

/// The matrix of failing allocations: a scenario runs once to count the allocations that the
/// library makes in it, and then again for each of them, which fails. Each run is in a child
/// process with a time limit, so that its end is known: an abort, a crash, a hang, an exception
/// that left the library, a leak, or something that did not work although memory had come back.
///
/// By default some of the allocations are tried, so that the program is fast. Environment:
/// SLK_MEMORY_ALL=1 tries each one; SLK_MEMORY_ONLY=7 tries one; SLK_MEMORY_TRACE=1 prints where
/// the allocation was made that failed, for addr2line; SLK_MEMORY_LIMIT_MS is the time limit.

#include "failing_memory.hpp"

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <chrono>
#include <new>
#include <type_traits>
#include <utility>

namespace slk::testing {

/// A scenario returns null, or what went wrong.
using scenario = const char* (*)();

/// Runs the scenario with failing allocations. Each run that does not end well is a failed check.
void run_matrix(const char* name, scenario body);

/// Ends the child: an exception has left the library.
[[noreturn]] void end_for_exception() noexcept;

/// Makes a call of the library. No exception may leave it.
template <class Call>
decltype(auto) in_library(Call&& call)
{
    try {
        const library_call counted;
        return std::forward<Call>(call)();
    } catch (...) {
        end_for_exception();
    }
}

/// Makes a call again until it succeeds: memory has come back then. Each error must be one that a
/// lack of memory, here or at the peer, brings about.
template <class Call>
auto insist(Call&& call)
{
    for (int tries = 0;; ++tries) {
        auto outcome = in_library(call);
        if (outcome || outcome.error() != errc::out_of_memory || tries == 100)
            return outcome;
    }
}

} // namespace slk::testing

#endif
