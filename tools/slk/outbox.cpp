// SPDX-License-Identifier: MPL-2.0
#include "outbox.hpp"

#include "exit_codes.hpp"
#include "message_text.hpp"

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

void add_outbox_options(command& to, outbox_settings& into, const std::string& prefix)
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
    const auto add = [&](const std::string& name, const std::string& help,
                         std::optional<std::string>& bytes) {
        to.text({.name = prefix + name, .help = help, .type = "BYTES"},
                [&bytes, option = prefix + name](const std::string& text) {
                    bytes = parse_escapes(option, text);
                    if (bytes->empty())
                        throw usage_error(option, "is empty");
                });
    };
    add("delimiter",
        "What is between the messages of stdin, instead of line ends: bytes, with escapes such as "
        "\\0 and \\x1e",
        into.delimiter);
    add("part-delimiter", "What is between the parts of each message of stdin",
        into.part_delimiter);
}

void require_valid(const outbox_settings& settings)
{
    if (!settings.words.empty() && !settings.files.empty())
        throw usage_error("MESSAGE and --file exclude each other");
    const bool reads_records = settings.words.empty() && settings.files.empty();
    if (!reads_records && (settings.delimiter || settings.part_delimiter))
        throw usage_error("delimiters are for messages that are read from stdin");
    if (settings.parts && settings.part_delimiter)
        throw usage_error("--parts and a delimiter of parts exclude each other");
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
    by_record_ = !settings.parts && !settings.times;
    if (!by_record_)
        read_all_records();
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

std::optional<std::string> outbox::next_record()
{
    return settings_.delimiter ? input().until(*settings_.delimiter) : input().line();
}

void outbox::add_record(multipart& to, std::string_view record) const
{
    if (settings_.part_delimiter) {
        const std::string& delimiter = *settings_.part_delimiter;
        for (std::size_t end = 0; (end = record.find(delimiter)) != std::string_view::npos;) {
            to.add(copy_of(record.substr(0, end)));
            record.remove_prefix(end + delimiter.size());
        }
    }
    to.add(copy_of(record));
}

void outbox::read_all_records()
{
    while (const auto record = next_record()) {
        if (all_.empty() || !settings_.parts)
            all_.emplace_back();
        add_record(all_.back(), *record);
    }
}

bool outbox::next(multipart& into)
{
    into.clear();
    if (by_record_) {
        const auto record = next_record();
        if (record)
            add_record(into, *record);
        return record.has_value();
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
