// SPDX-License-Identifier: MPL-2.0
#include "top_view.hpp"

#include "message_text.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace slk::tool {

namespace {

constexpr std::size_t name_width = 38;
constexpr std::size_t state_width = 14;
constexpr std::size_t number_width = 9;

[[nodiscard]] std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char each) { return (static_cast<unsigned char>(each) & 0xc0U) != 0x80; }));
}

[[nodiscard]] std::string left(std::string_view text, std::size_t width)
{
    const std::string kept = cut(text, width);
    return kept + std::string(width - width_of(kept), ' ');
}

[[nodiscard]] std::string right(const std::string& text)
{
    return (text.size() < number_width ? std::string(number_width - text.size(), ' ') : " ") + text;
}

[[nodiscard]] colour colour_of_state(std::string_view state)
{
    if (state == "connected" || state == "ready" || state == "listening")
        return colour::green;
    if (state == "backoff" || state == "stalled" || state == "pausing")
        return colour::yellow;
    return state == "idle" || state.starts_with("lost") ? colour::red : colour::none;
}

/// All that a socket has dropped, by whatever reason.
[[nodiscard]] double lost(const json_value& counters)
{
    double sum = 0;
    for (const char* each :
         {"dropped_no_route", "dropped_full", "unsent", "dropped_stale", "expired", "discarded"})
        sum += counters.number(each);
    return sum;
}

} // namespace

std::string cut(std::string_view text, std::size_t columns)
{
    std::size_t end = 0;
    for (std::size_t shown = 0; end < text.size(); ++end)
        if ((static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80 && ++shown > columns)
            break;
    return std::string(text.substr(0, end));
}

std::string shown(const printer& by, const top_line& line, std::size_t columns)
{
    const std::string text = cut(line.text, columns);
    const std::size_t begin = std::min(line.begin, text.size());
    const std::size_t end = std::min(line.end, text.size());
    if (begin == end)
        return text;
    return text.substr(0, begin) + by.paint(line.in, text.substr(begin, end - begin)) +
           text.substr(end);
}

std::string short_number(double value)
{
    static constexpr std::string_view units = " kMGTP";
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    char text[64];
    const bool whole = unit == 0 && value == static_cast<double>(static_cast<long long>(value));
    std::snprintf(text, sizeof text,
                  whole || value >= 99.95 ? "%.0f"
                  : value >= 9.995        ? "%.1f"
                                          : "%.2f",
                  value);
    return unit == 0 ? text : text + std::string(1, units[unit]);
}

struct top_view::row {
    std::string key; ///< the same in each sample
    std::string name;
    std::string state;
    std::string queued;
    counts sums;
    bool has_sums = true;
    std::string unit{}; ///< of the sums: "B" for bytes
};

std::string top_view::rate(double now, double before) const
{
    const double passed = time_ - time_before_;
    if (time_before_ < 0 || passed <= 0)
        return "-";
    return short_number(std::max(now - before, 0.0) / passed);
}

void top_view::add(std::vector<top_line>& to, const row& what)
{
    top_line line;
    line.text = left(what.name, name_width) + ' ';
    line.begin = line.text.size();
    line.end = line.begin + what.state.size();
    line.in = colour_of_state(what.state);
    line.text += left(what.state, state_width) + right(what.queued);
    if (what.has_sums) {
        now_[what.key] = what.sums;
        const auto found = before_.find(what.key);
        const bool known = found != before_.end();
        const counts old = known ? found->second : counts{};
        const auto number = [&](const std::string& text) {
            line.text += right(text + (text == "-" ? "" : what.unit));
        };
        number(known ? rate(what.sums.sent, old.sent) : "-");
        number(known ? rate(what.sums.received, old.received) : "-");
        number(short_number(what.sums.sent));
        number(short_number(what.sums.received));
    }
    to.push_back(std::move(line));
}

void top_view::add_socket(std::vector<top_line>& to, const json_value& socket)
{
    const std::string number = short_number(socket.number("number"));
    const json_value counters = socket.member("counters");
    const double dropped = lost(counters);
    double queued = 0;
    for (const json_value& peer : socket.list("peers"))
        queued += peer.number("queued");
    add(to, {.key = "socket " + number,
             .name = id_text(socket.text("type")) + " " + number,
             .state = dropped > 0 ? "lost " + short_number(dropped) : "",
             .queued = short_number(queued),
             .sums = {counters.number("queued_total"), counters.number("received")}});
    for (const json_value& at : socket.list("endpoints")) {
        const std::string state = at.has("state") ? at.text("state") : "listening";
        add(to, {.key = "endpoint " + short_number(at.number("number")),
                 .name = "  " + id_text(at.text("endpoint")),
                 .state = state,
                 .queued = "",
                 .sums = {at.number("bytes_sent"), at.number("bytes_received")},
                 .unit = "B"});
    }
    for (const json_value& peer : socket.list("peers")) {
        std::string name = "    " + id_text(peer.text("address").empty() ? peer.text("endpoint")
                                                                         : peer.text("address"));
        if (!peer.text("routing_id").empty())
            name += " [" + id_text(peer.text("routing_id")) + ']';
        add(to, {.key = "peer " + number + ' ' + short_number(peer.number("connection")) + name,
                 .name = name,
                 .state = peer.truth("stalled") ? "stalled"
                          : peer.truth("ready") ? "ready"
                                                : "not connected",
                 .queued = short_number(peer.number("queued")),
                 .sums = {peer.number("sent"), peer.number("received")}});
    }
}

std::vector<top_line> top_view::lines(const json_value& page)
{
    time_ = page.number("time");
    now_.clear();
    std::vector<top_line> all;
    std::string heading =
        left("SOCKET, ENDPOINT, PEER", name_width) + ' ' + left("STATE", state_width);
    for (const char* each : {"QUEUED", "SENT/s", "RECV/s", "SENT", "RECV"})
        heading += right(each);
    all.push_back({heading, 0, heading.size(), colour::bold});
    for (const json_value& socket : page.list("sockets"))
        add_socket(all, socket);
    for (const json_value& link : page.list("links")) {
        const std::string reason = link.text("reason");
        add(all, {.key = "",
                  .name = "link " + id_text(link.text("endpoint")),
                  .state = link.text("state"),
                  .queued = "",
                  .sums = {},
                  .has_sums = false});
        all.back().text += "  attempts " + short_number(link.number("attempts")) +
                           ", connections " + short_number(link.number("connections")) +
                           (reason.empty() ? "" : ", " + id_text(reason));
    }
    for (const json_value& listener : page.list("listeners")) {
        add(all, {.key = "",
                  .name = "listener " + id_text(listener.text("endpoint")),
                  .state = listener.text("state"),
                  .queued = "",
                  .sums = {},
                  .has_sums = false});
        all.back().text += "  accepted " + short_number(listener.number("accepted")) + ", failed " +
                           short_number(listener.number("failed")) + ", refused " +
                           short_number(listener.number("refused"));
    }
    if (all.size() == 1)
        all.push_back({"no sockets, links or listeners"});
    before_ = now_;
    time_before_ = time_;
    return all;
}

} // namespace slk::tool
