// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_INPUT_FILE_HPP
#define SLK_TESTS_TOOL_INPUT_FILE_HPP

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace slk::testing {

/// A path at which there is no file.
[[nodiscard]] inline std::string unused_path(const std::string& ending)
{
    return (std::filesystem::temp_directory_path() /
            ("slk-" + std::to_string(std::random_device{}()) + ending))
        .string();
}

/// A file with `text`, removed by the destructor.
class input_file {
public:
    explicit input_file(const std::string& text) : path_(unused_path(".txt"))
    {
        std::ofstream(path_, std::ios::binary) << text;
    }
    input_file(const input_file&) = delete;
    input_file& operator=(const input_file&) = delete;
    ~input_file() { std::filesystem::remove(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace slk::testing

#endif
