// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_PRIVATE_FILE_HPP
#define SLK_TOOL_PRIVATE_FILE_HPP

#include <cstdio>
#include <string>

namespace slk::tool {

/// Creates a file that its owner alone may read, from its first moment on; on Windows the folder
/// decides about that. Null if there is a file of that name, or it cannot be written.
[[nodiscard]] std::FILE* create_private_file(const std::string& path);

} // namespace slk::tool

#endif
