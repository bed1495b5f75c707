// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_KEY_FILE_HPP
#define SLK_TOOL_KEY_FILE_HPP

/// Files with a pair of keys for CURVE, as `slk keygen` writes them:
///
///    public PUBLIC-KEY
///    secret SECRET-KEY

#include <serverlink/curve.hpp>

#include <string>

namespace slk::tool {

/// Writes a new file that its owner alone may read. Throws std::runtime_error.
void write_key_file(const std::string& path, const curve_key_pair& keys);

/// Reads the secret key of a file. Throws usage_error for `option`.
[[nodiscard]] curve_secret_key read_key_file(const std::string& option, const std::string& path);

/// Reads a public key: its 40 characters, or a file with its line. Throws usage_error for `option`.
[[nodiscard]] curve_public_key read_public_key(const std::string& option, const std::string& text);

} // namespace slk::tool

#endif
