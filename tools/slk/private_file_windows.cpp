// SPDX-License-Identifier: MPL-2.0
#include "private_file.hpp"

#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>

namespace slk::tool {

std::FILE* create_private_file(const std::string& path)
{
    // Its older C library does not know "x" of fopen().
    const int made =
        ::_open(path.c_str(), _O_CREAT | _O_EXCL | _O_WRONLY | _O_TEXT, _S_IREAD | _S_IWRITE);
    return made >= 0 ? ::_fdopen(made, "w") : nullptr;
}

} // namespace slk::tool
