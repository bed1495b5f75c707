// SPDX-License-Identifier: MPL-2.0
#include "output.hpp"

#include "exit_codes.hpp"
#include "terminal.hpp"
#include "tools/support/json.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace slk::tool {

namespace {

[[nodiscard]] bool colours_enabled(std::FILE* to)
{
    const char* refused = std::getenv("NO_COLOR");
    return (refused == nullptr || *refused == '\0') && is_terminal(to);
}

[[nodiscard]] const char* code_of(colour value) noexcept
{
    switch (value) {
    case colour::none: return "";
    case colour::red: return "\x1b[31m";
    case colour::green: return "\x1b[32m";
    case colour::yellow: return "\x1b[33m";
    case colour::blue: return "\x1b[34m";
    case colour::bold: return "\x1b[1m";
    }
    return "";
}

/// The peer of the attempt or connection, or the address that the failure was about.
[[nodiscard]] std::string address_of(const link_transition& move, const link_status& status)
{
    if (status.peer.family != address_family::none)
        return to_string(status.peer);
    const bool stopped = move.event == link_event::stop; // not related to an address
    if (move.reason && !stopped && status.last_error_address.family != address_family::none)
        return to_string(status.last_error_address);
    return "";
}

} // namespace

printer::printer(std::FILE* to) : to_(to), coloured_(colours_enabled(to)) {}

void printer::line(const std::string& text)
{
    const std::string whole = text + "\n";
    bytes(whole.data(), whole.size());
}

void printer::bytes(const void* data, std::size_t size)
{
    if (failed_)
        return;
    failed_ = std::fwrite(data, 1, size, to_) != size || std::fflush(to_) != 0;
}

std::string printer::paint(colour in, std::string_view text) const
{
    if (!coloured_ || in == colour::none)
        return std::string(text);
    return code_of(in) + std::string(text) + "\x1b[0m";
}

int printer::exit_code(int otherwise) const
{
    if (!failed_)
        return otherwise;
    if (is_pipe(to_))
        return exit_broken_pipe;
    report("cannot write the output");
    return exit_failed;
}

progress_line::progress_line() : shown_(is_terminal(stderr)) {}

void progress_line::show(const std::string& text)
{
    if (shown_)
        std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
}

std::string seconds_text(duration value)
{
    char digits[64];
    std::snprintf(digits, sizeof digits, "%8.3fs", std::chrono::duration<double>(value).count());
    return digits;
}

std::string short_seconds_text(duration value)
{
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.3g s", std::chrono::duration<double>(value).count());
    return digits;
}

double milliseconds(duration value)
{
    return std::chrono::duration<double, std::milli>(value).count();
}

std::string padded(std::string_view text, std::size_t width)
{
    std::string filled(text);
    filled.resize(std::max(width, filled.size()), ' ');
    return filled;
}

colour colour_of(link_state state) noexcept
{
    switch (state) {
    case link_state::idle: return colour::red;
    case link_state::binding: return colour::none;
    case link_state::connecting: return colour::blue;
    case link_state::tuning: return colour::blue;
    case link_state::connected: return colour::green;
    case link_state::backoff: return colour::yellow;
    }
    return colour::none;
}

std::string state_line(const printer& out, const link_transition& move, const link_status& status,
                       time_point origin)
{
    std::string line = seconds_text(move.at - origin) + "  " +
                       out.paint(colour_of(move.to), padded(name_of(move.to), 10)) + "  attempt " +
                       std::to_string(status.attempt);
    if (const std::string where = address_of(move, status); !where.empty())
        line = padded(line, line.size() + (status.attempt < 10 ? 1 : 0)) + "  " + where;
    if (move.reason)
        line += "  " + to_string(move.reason);
    if (move.to == link_state::backoff) {
        char text[64];
        std::snprintf(text, sizeof text, "  next try in %.0f ms", milliseconds(move.delay));
        line += text;
    }
    return line;
}

std::string named_state_line(const printer& out, std::string_view name, const link_transition& move,
                             const link_status& status, time_point origin)
{
    const std::string line = state_line(out, move, status, origin);
    const std::size_t time_width = seconds_text({}).size();
    return line.substr(0, time_width) + "  " + padded(name, 9) + line.substr(time_width + 1);
}

link_transition last_transition(const link_status& status)
{
    link_transition move;
    move.at = status.since;
    move.to = status.state;
    move.attempt = static_cast<std::uint32_t>(status.attempt);
    if (status.state == link_state::backoff || status.state == link_state::idle)
        move.reason = status.last_error;
    if (status.state == link_state::backoff && status.next_attempt != never)
        move.delay = status.next_attempt - status.since;
    return move;
}

std::string state_json(const link_transition& move, const link_status& status, time_point origin)
{
    json_object object;
    object.number("time", std::chrono::duration<double>(move.at - origin).count());
    object.text("state", name_of(move.to));
    object.number("attempt", status.attempt);
    object.text("reason", move.reason ? name_of(move.reason.code) : "");
    if (move.to == link_state::backoff)
        object.number("next_ms", milliseconds(move.delay));
    else
        object.null("next_ms");
    object.text("address", address_of(move, status));
    object.text("event", name_of(move.event));
    if (move.reason)
        object.text("detail", to_string(move.reason));
    return object.str();
}

} // namespace slk::tool
