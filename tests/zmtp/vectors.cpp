// SPDX-License-Identifier: MPL-2.0
#include "vectors.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace slk::testing {

namespace {

int digit(char letter)
{
    const std::string_view digits = "0123456789abcdef";
    const auto at = digits.find(letter);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::map<std::string, bytes> read_vectors(const std::string& file)
{
    const bytes whole = file_of("tests/zmtp/vectors/" + file + ".hex");
    std::istringstream lines{std::string(zmtp::text_of(whole))};
    std::map<std::string, bytes> found;
    for (std::string line; std::getline(lines, line);) {
        const auto colon = line.find(": ");
        if (!line.starts_with('#') && colon != std::string::npos)
            found[line.substr(0, colon)] = from_hex(std::string_view(line).substr(colon + 2));
    }
    return found;
}

} // namespace

bool know_the_sources()
{
    return std::getenv("SLK_SOURCE_ROOT") != nullptr;
}

bytes file_of(const std::string& path)
{
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    std::ifstream file((root == nullptr ? "" : std::string(root) + "/") + path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return bytes_of(text);
}

const std::map<std::string, bytes>& vectors_of(const std::string& file)
{
    static std::map<std::string, std::map<std::string, bytes>> files;
    const auto known = files.find(file);
    return known != files.end() ? known->second : files[file] = read_vectors(file);
}

const bytes& vector_of(const std::string& file, const std::string& name)
{
    const auto& vectors = vectors_of(file);
    const auto found = vectors.find(name);
    REQUIRE_MESSAGE(found != vectors.end(), file, ".hex has no ", name);
    return found->second;
}

bytes from_hex(std::string_view digits)
{
    bytes data;
    while (digits.size() >= 2 && digit(digits[0]) >= 0 && digit(digits[1]) >= 0) {
        data.push_back(static_cast<std::byte>(digit(digits[0]) * 16 + digit(digits[1])));
        digits.remove_prefix(2);
        while (digits.starts_with(' '))
            digits.remove_prefix(1);
    }
    return data;
}

std::string to_hex(zmtp::byte_view data)
{
    std::string text;
    for (const std::byte each : data) {
        if (!text.empty())
            text += ' ';
        text += "0123456789abcdef"[std::to_integer<unsigned>(each) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(each) & 15];
    }
    return text;
}

bytes operator+(bytes first, const bytes& more)
{
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

bytes bytes_of(std::string_view text)
{
    const zmtp::byte_view data = zmtp::bytes_of(text);
    return {data.begin(), data.end()};
}

} // namespace slk::testing
