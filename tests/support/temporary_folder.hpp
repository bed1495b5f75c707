// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_TEMPORARY_FOLDER_HPP
#define SLK_TESTS_SUPPORT_TEMPORARY_FOLDER_HPP

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include <stdlib.h>

namespace slk::testing {

/// A folder that the destructor removes with its files. Its path is short enough for sockets in it.
/// POSIX only.
class temporary_folder {
public:
    temporary_folder()
    {
        path_ = (std::filesystem::temp_directory_path() / "slk-XXXXXX").string();
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(path_); }

private:
    std::string path_;
};

} // namespace slk::testing

#endif
