// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_SPAWNED_SLK_HPP
#define SLK_TESTS_TOOL_SPAWNED_SLK_HPP

/// A running slk command whose process is known: it can be interrupted and inspected. Linux.

#include "support/child_process.hpp"

namespace slk::testing {

class spawned_slk : public child_process {
public:
    /// `under`: a command with its options, such as strace, that runs slk as this same process.
    explicit spawned_slk(std::vector<std::string> arguments, std::vector<std::string> under = {});
};

} // namespace slk::testing

#endif
