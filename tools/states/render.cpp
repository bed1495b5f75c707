// SPDX-License-Identifier: MPL-2.0
#include "render.hpp"

#include "link/connecter_machine.hpp"
#include "link/listener_machine.hpp"
#include "messaging/connection/connection_machine.hpp"
#include "zmtp/session_machine.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

namespace slk::states {

namespace {

using std::string;
using std::string_view;

// --- the tables, as words ---

struct move {
    string_view from, event, to, when;
};

template <class Table>
std::vector<move> words_of(const Table& table)
{
    using slk::name_of;
    using slk::link_detail::name_of;
    using slk::messaging::name_of;
    using slk::zmtp::name_of;
    std::vector<move> moves;
    for (const auto& row : table)
        moves.push_back({name_of(row.from), name_of(row.event), name_of(row.to), row.when});
    return moves;
}

/// The events that lead from one state to another, each once.
std::vector<string_view> events_between(std::span<const move> moves, string_view from,
                                        string_view to)
{
    std::vector<string_view> events;
    for (const move& row : moves)
        if (row.from == from && row.to == to &&
            std::find(events.begin(), events.end(), row.event) == events.end())
            events.push_back(row.event);
    return events;
}

// --- where things stand in the picture ---

struct point {
    int x, y;
};

struct box {
    string_view state, meaning;
    int x, y, width, height;
};

/// An arrow through these points; its events stand below each other, from `label` on.
struct route {
    string_view from, to;
    std::vector<point> points;
    point label;
};

struct diagram {
    string_view name, about;
    int width, height;
    std::vector<move> moves;
    std::vector<box> boxes;
    std::vector<route> routes;
};

// The two states in which nothing happens are bars above and below the way to the goal, so that
// every arrow to them is short and straight.
diagram connecter()
{
    return {
        "connecter",
        "an outbound connection; one for each link",
        1260,
        620,
        words_of(link_detail::connecter_transitions()),
        {
            {"idle", "nothing is open, nothing is planned", 30, 60, 1200, 70},
            {"binding", "name, new socket, bind", 180, 250, 180, 130},
            {"connecting", "the system connects", 470, 250, 180, 130},
            {"tuning", "check and configure", 760, 250, 180, 130},
            {"connected", "the user has the stream", 1050, 250, 180, 130},
            {"backoff", "waiting; nothing is open", 30, 510, 1200, 90},
        },
        {
            {"idle", "backoff", {{60, 130}, {60, 510}}, {68, 320}},
            {"backoff", "idle", {{130, 510}, {130, 130}}, {138, 410}},
            {"idle", "binding", {{220, 130}, {220, 250}}, {228, 155}},
            {"binding", "idle", {{320, 250}, {320, 130}}, {328, 155}},
            {"connecting", "idle", {{560, 250}, {560, 130}}, {568, 155}},
            {"tuning", "idle", {{850, 250}, {850, 130}}, {858, 155}},
            {"connected", "idle", {{1140, 250}, {1140, 130}}, {1148, 155}},
            {"binding", "connecting", {{360, 285}, {470, 285}}, {376, 276}},
            {"connecting", "tuning", {{650, 285}, {760, 285}}, {662, 276}},
            {"tuning", "connected", {{940, 285}, {1050, 285}}, {966, 276}},
            {"connecting", "binding", {{470, 325}, {360, 325}}, {376, 345}},
            {"tuning", "binding", {{790, 380}, {790, 430}, {345, 430}, {345, 380}}, {420, 422}},
            {"backoff", "binding", {{220, 510}, {220, 380}}, {228, 460}},
            {"binding", "backoff", {{320, 380}, {320, 510}}, {328, 452}},
            {"connecting", "backoff", {{560, 380}, {560, 510}}, {568, 460}},
            {"tuning", "backoff", {{880, 380}, {880, 510}}, {888, 440}},
            {"connected", "backoff", {{1140, 380}, {1140, 510}}, {1148, 440}},
        },
    };
}

diagram listener()
{
    return {
        "listener",
        "accepts connections; one for each listening socket",
        1260,
        620,
        words_of(link_detail::listener_transitions()),
        {
            {"idle", "stopped", 30, 60, 1200, 70},
            {"listening", "accepts are posted", 280, 250, 250, 130},
            {"pausing", "no descriptors, or only failures", 850, 250, 250, 130},
            {"opening", "the socket broke; a new one is opened after a pause", 30, 510, 1200, 90},
        },
        {
            {"opening", "idle", {{100, 510}, {100, 130}}, {108, 320}},
            {"idle", "listening", {{340, 130}, {340, 250}}, {348, 185}},
            {"listening", "idle", {{470, 250}, {470, 130}}, {478, 185}},
            {"pausing", "idle", {{975, 250}, {975, 130}}, {983, 185}},
            {"listening", "pausing", {{530, 285}, {850, 285}}, {640, 276}},
            {"pausing", "listening", {{850, 345}, {530, 345}}, {640, 336}},
            {"listening", "opening", {{470, 380}, {470, 510}}, {478, 450}},
            {"opening", "listening", {{340, 510}, {340, 380}}, {348, 450}},
            {"pausing", "opening", {{975, 380}, {975, 510}}, {983, 450}},
        },
    };
}

// The way of each mechanism is a column; what ends it leads down to the bar, what is agreed to the
// box at the right.
diagram session()
{
    return {
        "session",
        "ZMTP on one connection: greeting, handshake, traffic",
        1560,
        960,
        words_of(zmtp::session_transitions()),
        {
            {"idle", "nothing was sent", 30, 60, 200, 70},
            {"greeting", "version and mechanism", 30, 210, 250, 110},
            {"awaiting_identity", "of a 2.0 peer", 400, 60, 220, 80},
            {"awaiting_hello", "PLAIN and CURVE, server", 400, 180, 220, 80},
            {"authenticating", "the owner decides", 700, 180, 220, 80},
            {"awaiting_initiate", "PLAIN and CURVE, server", 700, 330, 220, 80},
            {"awaiting_welcome", "PLAIN and CURVE, client", 400, 430, 220, 80},
            {"awaiting_ready", "NULL, and a client", 640, 560, 260, 80},
            {"admitting", "the owner knows the peer", 1030, 330, 220, 80},
            {"ready", "messages flow", 1330, 330, 200, 140},
            {"failed", "closed, with a reason", 30, 860, 1500, 80},
        },
        {
            {"idle", "greeting", {{130, 130}, {130, 210}}, {138, 175}},
            {"greeting",
             "awaiting_identity",
             {{280, 225}, {330, 225}, {330, 100}, {400, 100}},
             {338, 92}},
            {"greeting", "awaiting_hello", {{280, 245}, {400, 245}}, {288, 238}},
            {"greeting",
             "awaiting_welcome",
             {{280, 300}, {340, 300}, {340, 450}, {400, 450}},
             {290, 292}},
            {"greeting", "awaiting_ready", {{250, 320}, {250, 600}, {640, 600}}, {260, 592}},
            {"greeting",
             "authenticating",
             {{280, 270}, {650, 270}, {650, 245}, {700, 245}},
             {480, 286}},
            {"awaiting_hello", "authenticating", {{620, 220}, {700, 220}}, {624, 212}},
            {"authenticating",
             "awaiting_ready",
             {{720, 260}, {720, 295}, {670, 295}, {670, 560}},
             {678, 320}},
            {"authenticating", "awaiting_initiate", {{790, 260}, {790, 330}}, {798, 300}},
            {"awaiting_welcome",
             "awaiting_ready",
             {{620, 470}, {700, 470}, {700, 560}},
             {632, 462}},
            {"awaiting_identity", "ready", {{620, 90}, {1430, 90}, {1430, 330}}, {1370, 82}},
            {"awaiting_identity", "admitting", {{620, 120}, {1140, 120}, {1140, 330}}, {1080, 112}},
            {"awaiting_initiate",
             "ready",
             {{900, 330}, {900, 290}, {1380, 290}, {1380, 330}},
             {1300, 282}},
            {"awaiting_initiate", "admitting", {{920, 375}, {1030, 375}}, {930, 367}},
            {"awaiting_ready", "ready", {{900, 600}, {1400, 600}, {1400, 470}}, {1300, 592}},
            {"awaiting_ready",
             "admitting",
             {{860, 560}, {860, 440}, {1080, 440}, {1080, 410}},
             {930, 432}},
            {"admitting", "ready", {{1250, 370}, {1330, 370}}, {1256, 362}},
            {"admitting", "failed", {{1180, 410}, {1180, 860}}, {1188, 766}},
            {"greeting", "failed", {{90, 320}, {90, 860}}, {98, 780}},
            {"awaiting_identity",
             "failed",
             {{590, 140}, {590, 162}, {360, 162}, {360, 860}},
             {368, 800}},
            {"awaiting_hello",
             "failed",
             {{440, 260}, {440, 410}, {385, 410}, {385, 720}, {465, 720}, {465, 860}},
             {473, 783}},
            {"awaiting_welcome", "failed", {{570, 510}, {570, 860}}, {578, 783}},
            {"awaiting_ready", "failed", {{680, 640}, {680, 860}}, {688, 783}},
            {"awaiting_initiate",
             "failed",
             {{880, 410}, {880, 530}, {930, 530}, {930, 860}},
             {938, 783}},
            {"authenticating",
             "failed",
             {{920, 220}, {985, 220}, {985, 640}, {1030, 640}, {1030, 860}},
             {1038, 766}},
            {"ready", "failed", {{1460, 470}, {1460, 860}}, {1468, 800}},
        },
    };
}

diagram connection()
{
    return {
        "connection",
        "joins a stream, a session and the lanes of one peer; a peer of bind() has one stream",
        1260,
        470,
        words_of(messaging::connection_transitions()),
        {
            {"waiting", "no stream", 30, 80, 220, 130},
            {"handshaking", "greeting and handshake", 400, 80, 260, 130},
            {"ready", "messages flow", 800, 80, 260, 130},
            {"ending", "operations are still under way", 400, 330, 660, 100},
            {"closed", "no other stream follows", 30, 330, 220, 100},
        },
        {
            {"waiting", "handshaking", {{250, 145}, {400, 145}}, {300, 136}},
            {"handshaking", "ready", {{660, 145}, {800, 145}}, {690, 136}},
            {"waiting", "closed", {{80, 210}, {80, 330}}, {88, 262}},
            {"handshaking", "ending", {{600, 210}, {600, 330}}, {608, 262}},
            {"ready", "ending", {{930, 210}, {930, 330}}, {938, 262}},
            {"ending", "handshaking", {{460, 330}, {460, 210}}, {468, 262}},
            {"ending",
             "waiting",
             {{400, 350}, {320, 350}, {320, 285}, {180, 285}, {180, 210}},
             {200, 277}},
            {"ending", "closed", {{400, 400}, {250, 400}}, {295, 391}},
        },
    };
}

// --- the picture ---

string number(int value)
{
    return std::to_string(value);
}

string text(int x, int y, string_view words, string_view style, string_view anchor = "start")
{
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" class=\"" + string(style) +
           "\" text-anchor=\"" + string(anchor) + "\">" + string(words) + "</text>\n";
}

/// The words in lines of at most `width` letters.
std::vector<string> wrap(std::span<const string_view> words, std::size_t width)
{
    std::vector<string> lines;
    for (const string_view word : words) {
        if (lines.empty() || lines.back().size() + 2 + word.size() > width)
            lines.emplace_back(word);
        else
            lines.back() += ", " + string(word);
    }
    return lines;
}

string drawn(const box& at, std::span<const move> moves)
{
    string out = "<rect x=\"" + number(at.x) + "\" y=\"" + number(at.y) + "\" width=\"" +
                 number(at.width) + "\" height=\"" + number(at.height) + "\" rx=\"10\"/>\n";
    const int middle = at.x + at.width / 2;
    out += text(middle, at.y + 26, at.state, "state", "middle");
    out += text(middle, at.y + 45, at.meaning, "meaning", "middle");
    int line = at.y + 65;
    const std::vector<string_view> stay = events_between(moves, at.state, at.state);
    if (!stay.empty()) {
        const auto letters = static_cast<std::size_t>(at.width / 7);
        std::vector<string> lines = wrap(stay, letters);
        lines.front().insert(0, "\xE2\x86\xBB "); // a circle arrow: the state stays
        for (const string& words : lines) {
            out += text(middle, line, words, "stay", "middle");
            line += 15;
        }
    }
    return out;
}

string drawn(const route& way, std::span<const string_view> events)
{
    string path;
    for (const point& at : way.points)
        path += (path.empty() ? "M" : " L") + number(at.x) + " " + number(at.y);
    string out = "<path d=\"" + path + "\" marker-end=\"url(#head)\"/>\n";
    int line = way.label.y;
    for (const string_view event : events) {
        out += text(way.label.x, line, event, "event");
        line += 17;
    }
    return out;
}

point middle_of(const diagram& of, string_view state)
{
    for (const box& at : of.boxes)
        if (at.state == state)
            return {at.x + at.width / 2, at.y + at.height / 2};
    return {0, 0};
}

/// A transition without a route is drawn as a straight line, whatever it crosses.
route route_of(const diagram& of, string_view from, string_view to)
{
    for (const route& way : of.routes)
        if (way.from == from && way.to == to)
            return way;
    const point begin = middle_of(of, from);
    const point end = middle_of(of, to);
    return {from, to, {begin, end}, {(begin.x + end.x) / 2, (begin.y + end.y) / 2}};
}

string drawn(const diagram& of, int top)
{
    string out = "<g transform=\"translate(0 " + number(top) + ")\">\n";
    out += text(30, 40, of.name, "title");
    out += text(190, 40, of.about, "meaning");
    for (const box& at : of.boxes)
        out += drawn(at, of.moves);
    for (const box& from : of.boxes)
        for (const box& to : of.boxes) {
            const auto events = events_between(of.moves, from.state, to.state);
            if (from.state != to.state && !events.empty())
                out += drawn(route_of(of, from.state, to.state), events);
        }
    return out + "</g>\n";
}

// --- the text ---

string padded(string_view word, std::size_t width)
{
    return string(word) + string(width - std::min(width, word.size()), ' ');
}

string in_words(const diagram& of)
{
    std::size_t width = 10;
    for (const box& each : of.boxes)
        width = std::max(width, each.state.size());
    string out = "```\n";
    for (const box& from : of.boxes) {
        string_view first = from.state;
        for (const box& to : of.boxes) {
            const auto events = events_between(of.moves, from.state, to.state);
            if (events.empty())
                continue;
            const bool stays = from.state == to.state;
            out += padded(first, width + 2);
            out += padded(stays ? "stays" : "--> " + string(to.state), width + 5);
            for (std::size_t index = 0; index < events.size(); ++index)
                out += (index == 0 ? " " : ", ") + string(events[index]);
            out += "\n";
            first = "";
        }
    }
    return out + "```\n";
}

string as_table(const diagram& of)
{
    string out = "| in | on | to | when |\n|---|---|---|---|\n";
    for (const move& row : of.moves) {
        out += "| " + string(row.from) + " | " + string(row.event) + " | ";
        out += row.from == row.to ? "(stays)" : string(row.to);
        out += " | " + string(row.when) + (row.when.empty() ? "|\n" : " |\n");
    }
    return out;
}

string states_of(const diagram& of)
{
    string out;
    for (const box& at : of.boxes)
        out += "- **" + string(at.state) + "**: " + string(at.meaning) + "\n";
    return out;
}

string section(const diagram& of)
{
    return "\n## The " + string(of.name) + ": " + string(of.about) + "\n\n" + states_of(of) + "\n" +
           in_words(of) + "\n" + as_table(of);
}

} // namespace

string markdown()
{
    return "<!-- Written by ./dev states from the tables of the machines: change those. -->\n"
           "# The state machines\n"
           "\n"
           "A machine is a function: it gets an event, and returns the actions to take. The "
           "tables are the ones in\n"
           "`src/link/connecter_machine.cpp`, `src/link/listener_machine.cpp`, "
           "`src/zmtp/session_machine.cpp` and\n"
           "`src/messaging/connection/connection_machine.cpp`, and a test fails when this document "
           "is older. An event that has no\n"
           "row in the present state changes nothing.\n"
           "\n"
           "![The states and moves of the four machines](states.svg)\n" +
           section(connecter()) + section(listener()) + section(session()) + section(connection());
}

string svg()
{
    int height = 0;
    string pictures;
    for (const diagram& each : {connecter(), listener(), session(), connection()}) {
        pictures += drawn(each, height);
        height += each.height;
    }
    const int width = connecter().width;
    const string size = number(width) + " " + number(height);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size +
           "\" font-family=\"sans-serif\">\n"
           "<!-- Written by ./dev states from the tables of the machines. -->\n"
           "<style>\n"
           "rect { fill: #eef4fb; stroke: #35618e; stroke-width: 2 }\n"
           "path { fill: none; stroke: #444; stroke-width: 1.6 }\n"
           ".title { font-size: 24px; font-weight: bold; fill: #222 }\n"
           ".state { font-size: 18px; font-weight: bold; fill: #16395c }\n"
           ".meaning { font-size: 14px; fill: #444 }\n"
           ".stay { font-size: 12px; fill: #666 }\n"
           ".event { font-size: 15px; fill: #7a2b00; paint-order: stroke; stroke: #fff; "
           "stroke-width: 4px }\n"
           "</style>\n"
           "<defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" "
           "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
           "<polygon points=\"0,0 10,5 0,10\" fill=\"#444\"/></marker></defs>\n"
           "<rect x=\"0\" y=\"0\" width=\"" +
           number(width) + "\" height=\"" + number(height) +
           "\" style=\"fill: #fff; stroke: none\"/>\n" + pictures + "</svg>\n";
}

} // namespace slk::states
