// SPDX-License-Identifier: MPL-2.0
#include "private_file.hpp"

namespace slk::tool {

std::FILE* create_private_file(const std::string& path)
{
    return std::fopen(path.c_str(), "wx");
}

} // namespace slk::tool
