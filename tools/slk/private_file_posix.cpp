// SPDX-License-Identifier: MPL-2.0
#include "private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slk::tool {

std::FILE* create_private_file(const std::string& path)
{
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0)
        return nullptr;
    std::FILE* const opened = ::fdopen(file, "w");
    if (opened == nullptr)
        ::close(file);
    return opened;
}

} // namespace slk::tool
