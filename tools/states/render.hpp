// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_STATES_RENDER_HPP
#define SLK_TOOLS_STATES_RENDER_HPP

/// The documents of the state machines, made from the machines' own tables.

#include <string>

namespace slk::states {

/// docs/states.md
[[nodiscard]] std::string markdown();
/// docs/states.svg
[[nodiscard]] std::string svg();

} // namespace slk::states

#endif
