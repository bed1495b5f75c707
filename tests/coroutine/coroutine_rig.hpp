// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_COROUTINE_COROUTINE_RIG_HPP
#define SLK_TESTS_COROUTINE_COROUTINE_RIG_HPP

/// What the tests of tasks share: loops on the backend under test, and contexts of both kinds.

#include <serverlink/coroutine.hpp>
#include <serverlink/serverlink.hpp>

#include "support/must.hpp"
#include "support/sockets.hpp"
#include "support/until.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace slk::testing {

/// A loop on the backend that SLK_TEST_BACKEND names, or else on the best one.
[[nodiscard]] inline loop new_test_loop()
{
    const char* const backend = std::getenv("SLK_TEST_BACKEND");
    loop_options options;
    options.backend = backend != nullptr ? backend : "";
    return must(loop::create(std::move(options)));
}

/// Where the sockets of a task may live.
enum class place { on_the_loop, on_threads };

[[nodiscard]] inline context new_context(loop& of_tasks, place where)
{
    return where == place::on_the_loop ? new_context(of_tasks) : new_context(1);
}

/// The outcome of a task that must end in time.
template <class T>
[[nodiscard]] result<T> run(loop& on, task<T> work)
{
    return run_task(on, std::move(work), test_timeout);
}

} // namespace slk::testing

#define SLK_FOR_BOTH_PLACES(variable)                                                              \
    slk::testing::place variable = slk::testing::place::on_the_loop;                               \
    SUBCASE("sockets on the loop of the tasks") {}                                                 \
    SUBCASE("sockets on threads")                                                                  \
    {                                                                                              \
        variable = slk::testing::place::on_threads;                                                \
    }

#endif
