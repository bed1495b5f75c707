// SPDX-License-Identifier: MPL-2.0
#include "key_file.hpp"

#include "private_file.hpp"
#include "tools/support/command_line.hpp"

#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace slk::tool {

namespace {

/// The word behind `what`; empty if there is none.
std::string line_of(const std::string& path, const std::string& what)
{
    std::ifstream file(path);
    std::string name, text;
    while (file >> name >> text)
        if (name == what)
            return text;
    return {};
}

} // namespace

void write_key_file(const std::string& path, const curve_key_pair& keys)
{
    const auto close = [](std::FILE* file) { std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> file(create_private_file(path), close);
    if (file == nullptr)
        throw std::runtime_error("cannot write the new file '" + path + "'");
    const bool written =
        std::fprintf(file.get(), "public %s\nsecret %s\n", keys.public_key.text().c_str(),
                     keys.secret_key.text().c_str()) > 0 &&
        std::fflush(file.get()) == 0;
    if (!written)
        throw std::runtime_error("cannot write the new file '" + path + "'");
}

curve_secret_key read_key_file(const std::string& option, const std::string& path)
{
    const std::string text = line_of(path, "secret");
    if (text.empty())
        throw usage_error(option, "'" + path +
                                      "' is no file with a line 'secret KEY'; slk keygen "
                                      "writes one");
    auto key = curve_secret_key::from(text);
    if (!key)
        throw usage_error(option, path + ": " + to_string(key.error()));
    return *std::move(key);
}

curve_public_key read_public_key(const std::string& option, const std::string& text)
{
    constexpr std::size_t text_size = 40;
    const std::string inside = text.size() == text_size ? text : line_of(text, "public");
    const auto key = curve_public_key::from(inside);
    if (!key || inside.size() != text_size)
        throw usage_error(option, "'" + text +
                                      "' is no key of 40 characters, and no file with a "
                                      "line 'public KEY'");
    return *key;
}

} // namespace slk::tool
