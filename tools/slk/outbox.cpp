// SPDX-License-Identifier: MPL-2.0
#include "outbox.hpp"

#include "exit_codes.hpp"

#include "terminal.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace slk::tool {

namespace {

[[nodiscard]] message or_throw(result<message> made)
{
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    return *std::move(made);
}

[[nodiscard]] message copy_of(std::string_view text)
{
    return or_throw(message::copy_of(text));
}

} // namespace

void add_outbox_options(command& to, outbox_settings& into)
{
    to.words({.name = "MESSAGE",
              .help = "What to send, each word a message; without any, and without --file: each "
                      "line of stdin"},
             into.words);
    to.texts({.name = "--file",
              .help = "Send the content of FILE as one message (-: stdin); may be repeated",
              .type = "FILE"},
             [&into](const std::vector<std::string>& paths) { into.files = paths; });
    to.flag({.name = "--parts", .help = "All of it is one message of several parts"}, into.parts);
    to.number({.name = "--count",
               .help = "Send all of it N times; lines of stdin are read to the end first",
               .type = "N",
               .fallback = "1"},
              into.times, 1, 1'000'000'000'000);
}

void require_valid(const outbox_settings& settings)
{
    if (!settings.words.empty() && !settings.files.empty())
        throw usage_error("MESSAGE and --file exclude each other");
}

outbox::outbox(const outbox_settings& settings, interruption& ctrl_c)
    : settings_(settings), ctrl_c_(ctrl_c)
{
    for (const std::string& word : settings.words)
        add(copy_of(word));
    for (const std::string& path : settings.files)
        read_file(path);
    if (!settings.words.empty() || !settings.files.empty())
        return;
    if (is_terminal(stdin))
        report("each line that you enter is a message");
    by_line_ = !settings.parts && !settings.times;
    if (!by_line_)
        read_all_lines();
}

standard_input& outbox::input()
{
    if (!input_)
        input_.emplace(ctrl_c_);
    return *input_;
}

void outbox::add(message content)
{
    if (all_.empty() || !settings_.parts)
        all_.emplace_back();
    all_.back().add(std::move(content));
}

void outbox::read_file(const std::string& path)
{
    if (path == "-") {
        if (const auto all = input().rest())
            add(copy_of(*all));
        return;
    }
    std::error_code unknown;
    const auto size = std::filesystem::file_size(path, unknown);
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path);
    if (unknown) { // a pipe or a device
        const std::string all{std::istreambuf_iterator<char>(file), {}};
        return add(copy_of(all));
    }
    message content = or_throw(message::allocate(static_cast<std::size_t>(size)));
    file.read(reinterpret_cast<char*>(content.writable().data()),
              static_cast<std::streamsize>(size));
    if (static_cast<std::uintmax_t>(file.gcount()) != size)
        throw std::runtime_error("cannot read all of " + path);
    add(std::move(content));
}

void outbox::read_all_lines()
{
    while (const auto line = input().line())
        add(copy_of(*line));
}

bool outbox::next(multipart& into)
{
    into.clear();
    if (by_line_) {
        const auto line = input().line();
        if (line)
            into.add(copy_of(*line));
        return line.has_value();
    }
    if (next_ == all_.size()) {
        next_ = 0;
        ++rounds_;
    }
    if (all_.empty() || rounds_ >= settings_.times.value_or(1))
        return false;
    for (const message& part : all_[next_])
        into.add(part.copy());
    ++next_;
    return true;
}

} // namespace slk::tool
