// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_END_WAIT_HPP
#define SLK_TOOL_END_WAIT_HPP

/// Ends a loop::run_until from elsewhere.

#include <serverlink/loop.hpp>

namespace slk::tool {

/// Sets `flag` on the loop's thread, so that a run_until that asks for it ends. Any thread.
inline void end_wait(loop& on, bool& flag)
{
    on.post([&on, &flag] {
        flag = true;
        // A turn first runs what was posted and then waits for events; only after that does
        // run_until ask. Something else to run keeps the turn from waiting.
        on.post([] {});
    });
}

} // namespace slk::tool

#endif
