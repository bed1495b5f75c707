// SPDX-License-Identifier: MPL-2.0
#include "message_format.hpp"

#include "message_text.hpp"

#include <cstdio>
#include <functional>

namespace slk::tool {

namespace {

constexpr auto* output_group = "Output";

/// The letters that a template may have behind %.
constexpr std::string_view format_letters = "stbpSoPTDR%";

/// A part as --hex and --quoted have it, or its bytes.
[[nodiscard]] std::string encoded(const message_format& how, const message& part)
{
    if (how.hex)
        return hexadecimal(part.text());
    return how.quoted ? quoted_text(part.text()) : std::string(part.text());
}

/// Parts from `first` to before `last`, with the delimiter between them.
[[nodiscard]] std::string joined_parts(const message_format& how, const multipart& whole,
                                       std::size_t first, std::size_t last)
{
    const std::string between =
        how.part_delimiter.value_or(how.hex || how.quoted ? " " : std::string());
    std::string text;
    for (std::size_t i = first; i < last; ++i)
        text += (i == first ? std::string() : between) + encoded(how, whole[i]);
    return text;
}

[[nodiscard]] std::string field(const message_format& how, const arrival& what, char letter)
{
    using namespace std::chrono;
    const std::size_t parts = what.whole.size();
    switch (letter) {
    case 's': return joined_parts(how, what.whole, 0, parts);
    case 't': return joined_parts(how, what.whole, 0, parts > 0 ? 1 : 0);
    case 'b': return joined_parts(how, what.whole, 1, parts);
    case 'p': return std::to_string(parts);
    case 'S': return std::to_string(bytes_of(what.whole));
    case 'o': return std::to_string(what.number);
    case 'P': return what.from.empty() ? std::string() : id_text(what.from);
    case 'T':
        return std::to_string(
            duration_cast<std::chrono::milliseconds>(what.at.time_since_epoch()).count());
    case 'D': return wall_clock_text(what.at);
    case 'R': {
        char text[64];
        std::snprintf(text, sizeof text, "%.6f", std::chrono::duration<double>(what.since).count());
        return text;
    }
    default: return "%";
    }
}

[[nodiscard]] std::string filled(const message_format& how, const arrival& what)
{
    std::string text;
    for (std::size_t i = 0; i < how.format->size(); ++i) {
        const char each = (*how.format)[i];
        text += each == '%' ? field(how, what, (*how.format)[++i]) : std::string(1, each);
    }
    return text;
}

/// Reads escapes; each % must have a letter that means something.
[[nodiscard]] std::string parse_format(const std::string& given)
{
    std::string text = parse_escapes("--format", given);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%')
            continue;
        const std::string letter = text.substr(++i, 1);
        if (letter.empty() || format_letters.find(letter) == std::string_view::npos)
            throw usage_error("--format", "'%" + letter +
                                              "' is not %s, %t, %b, %p, %S, %o, %P, %T, %D, %R or "
                                              "%%");
    }
    return text;
}

} // namespace

void add_format_options(command& to, message_format& into)
{
    const auto add_text = [&to](const std::string& name, const std::string& help,
                                std::optional<std::string>& text, const std::string& type) {
        to.text({.name = name,
                 .help = help,
                 .type = type,
                 .group = output_group,
                 .excludes = {"--json"}},
                [&text, name](const std::string& given) { text = parse_escapes(name, given); });
    };
    to.flag({.name = "--json",
             .help =
                 "One JSON object per message: time (seconds), from (router), size, parts. Each "
                 "part has text, or base64 if it is not UTF-8",
             .group = output_group},
            into.json);
    to.flag({.name = "--raw",
             .help = "Only the bytes of the messages, one after another",
             .group = output_group,
             .excludes = {"--json"}},
            into.raw);
    to.flag({.name = "--hex",
             .help = "Each message on a line, its parts in hexadecimal",
             .group = output_group,
             .excludes = {"--json", "--raw"}},
            into.hex);
    to.flag({.name = "--quoted",
             .help = "Each message on a line, its parts in quotes and with the escapes of C",
             .group = output_group,
             .excludes = {"--json", "--raw", "--hex"}},
            into.quoted);
    add_text("--delimiter",
             "Bytes behind each message, which is printed as it is, or as --hex or --quoted; with "
             "escapes such as \\n, \\0 and \\x1e",
             into.delimiter, "BYTES");
    add_text("--part-delimiter", "Bytes between the parts of a message", into.part_delimiter,
             "BYTES");
    to.text({.name = "--format",
             .help = "Print this for each message: %s is its parts, %t the first of them (the "
                     "topic), %b the others, %p their number, %S the size in bytes, %o the number "
                     "of the message, from 0, %P the peer's routing id, %T the time in "
                     "milliseconds since 1970, %D the date and time (UTC), %R the seconds since "
                     "the beginning; with escapes such as \\n",
             .type = "TEMPLATE",
             .group = output_group,
             .excludes = {"--json", "--raw"}},
            [&into](const std::string& text) { into.format = parse_format(text); });
    to.flag({.name = "--time",
             .help = "The date and time (UTC) in front of each message; in JSON as the member at",
             .group = output_group,
             .excludes = {"--raw", "--format"}},
            into.time);
}

std::string formatted(const message_format& how, const arrival& what)
{
    const std::string time = how.time ? wall_clock_text(what.at) : std::string();
    if (how.json)
        return message_json(what.whole, what.from,
                            std::chrono::duration<double>(what.since).count(), time) +
               '\n';
    if (how.format)
        return filled(how, what) + how.delimiter.value_or("");
    const std::string stamp = time.empty() ? time : time + ' ';
    const bool plain = how.raw || how.delimiter || how.part_delimiter;
    if (!plain && !how.hex && !how.quoted)
        return stamp + message_text(what.whole, what.from) + '\n';
    const std::string line_end = how.raw ? "" : "\n";
    return stamp + joined_parts(how, what.whole, 0, what.whole.size()) +
           how.delimiter.value_or(line_end);
}

void print_message(printer& out, const message_format& how, const arrival& what)
{
    const std::string text = formatted(how, what);
    out.bytes(text.data(), text.size());
}

} // namespace slk::tool
