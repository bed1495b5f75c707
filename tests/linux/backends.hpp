// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINUX_BACKENDS_HPP
#define SLK_TESTS_LINUX_BACKENDS_HPP

/// Contexts with one thread on each backend that works here.

#include <serverlink/context.hpp>

#include "io/poller.hpp"
#include "support/must.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace slk::linux_tests {

[[nodiscard]] inline std::vector<std::string> working_backends()
{
    std::vector<std::string> all;
    for (const std::string_view each : io::compiled_backends()) {
        context_options options;
        options.loop.backend = each;
        if (context::create(options))
            all.emplace_back(each);
    }
    return all;
}

[[nodiscard]] inline context context_on(const std::string& backend)
{
    context_options options;
    options.loop.backend = backend;
    return testing::must(context::create(options));
}

} // namespace slk::linux_tests

#endif
