// SPDX-License-Identifier: MPL-2.0

// The text for Prometheus, checked against the rules of OpenMetrics 1.0, and by promtool where it
// is installed.

#include <serverlink/serverlink.hpp>

#include "support/must.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>
#include <string>

#ifdef __linux__
#include "support/promtool.hpp"
#endif

using namespace slk;
using namespace slk::testing;

namespace {

socket_metrics socket_called(std::uint64_t number, std::string_view endpoint)
{
    socket_metrics made;
    made.number = number;
    made.type = "DEALER";
    made.counters.queued_total = 12;
    made.counters.dropped_full = 3;
    for (const endpoint_kind kind : {endpoint_kind::bound, endpoint_kind::connected}) {
        endpoint_metrics at;
        at.number = 10 * number + static_cast<std::uint64_t>(kind);
        at.kind = kind;
        at.endpoint = endpoint;
        at.link = link_state::backoff;
        at.round_trips.counts = {1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4};
        at.round_trips.sum = std::chrono::milliseconds(1500);
        at.ready_peers = 3;
        at.stalled_peers = 1;
        at.queued = 7;
        made.endpoints.push_back(at);
    }
    for (const char* id : {"plain", "\"quoted\\\n", "\x01\xff"}) {
        peer_metrics peer;
        peer.endpoint = endpoint;
        peer.connection = made.peers.size() + 1;
        peer.address = address::parse("127.0.0.1", 5555).value();
        peer.routing_id = id;
        peer.round_trip = std::chrono::microseconds(2500);
        made.peers.push_back(peer);
    }
    return made;
}

context_metrics some_metrics()
{
    context_metrics all;
    all.memory = {.bytes = 5, .max_bytes = 1000, .ended_connections = 2};
    all.sockets = {socket_called(1, "tcp://127.0.0.1:5555"), socket_called(2, "ipc:///a \"b\"\\c")};
    return all;
}

bool is_name(const std::string& name)
{
    return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == name.npos;
}

/// Reads a text strictly, and keeps its samples.
class strict_reader {
public:
    explicit strict_reader(const std::string& text)
    {
        std::istringstream lines(text);
        REQUIRE(text.ends_with("\n# EOF\n"));
        for (std::string line; std::getline(lines, line);) {
            CAPTURE(line);
            REQUIRE_FALSE(ended_);
            if (line == "# EOF")
                ended_ = true;
            else if (line.starts_with("# "))
                read_metadata(line.substr(2));
            else
                read_sample(line);
        }
        end_family();
    }

    std::map<std::string, double> samples; ///< by the name and the labels

private:
    void read_metadata(const std::string& line)
    {
        std::istringstream words(line);
        std::string what, name, value;
        words >> what >> name;
        std::getline(words >> std::ws, value);
        REQUIRE((what == "TYPE" || what == "UNIT" || what == "HELP"));
        CHECK(is_name(name));
        CHECK_FALSE(value.empty());
        if (name != family_) {
            end_family();
            CHECK(families_.insert(name).second); // not in two places
            family_ = name;
            CHECK(what == "TYPE");
        }
        CHECK(sampled_ == 0); // metadata comes before the samples
        if (what == "TYPE") {
            type_ = value;
            CHECK((value == "counter" || value == "gauge" || value == "histogram"));
        }
        if (what == "UNIT")
            CHECK(name.ends_with("_" + value));
        helped_ = helped_ || what == "HELP";
    }

    void end_family()
    {
        CHECK((family_.empty() || helped_));
        for (const auto& [labels, last] : buckets_) {
            CAPTURE(labels);
            CHECK(std::isinf(last.first));
        }
        buckets_.clear();
        sampled_ = 0;
        helped_ = false;
    }

    /// Returns the labels as text without `le`, and sets `le`.
    std::string read_labels(const std::string& text, std::size_t& at, std::string& le)
    {
        std::set<std::string> names;
        std::string all;
        while (text[at] != '}') {
            const std::size_t equals = text.find("=\"", at);
            REQUIRE(equals != text.npos);
            const std::string name = text.substr(at, equals - at);
            CHECK(is_name(name));
            CHECK(names.insert(name).second);
            std::string value;
            for (at = equals + 2; text.at(at) != '"'; ++at) {
                CHECK((text[at] >= ' ' && text[at] < '\x7f'));
                if (text[at] == '\\') {
                    ++at;
                    CHECK((text.at(at) == '\\' || text[at] == '"' || text[at] == 'n'));
                }
                value += text[at];
            }
            ++at;
            if (name == "le")
                le = value;
            else
                all.append(name).append("=").append(value).append(";");
            if (text.at(at) == ',')
                ++at;
            else
                REQUIRE(text[at] == '}');
        }
        ++at;
        return all;
    }

    void read_sample(const std::string& line)
    {
        ++sampled_;
        std::size_t at = line.find_first_of("{ ");
        REQUIRE(at != line.npos);
        const std::string name = line.substr(0, at);
        REQUIRE(name.starts_with(family_));
        const std::string suffix = name.substr(family_.size());
        std::string labels, le;
        if (line[at] == '{') {
            ++at;
            labels = read_labels(line, at, le);
        }
        REQUIRE(line.at(at) == ' ');
        std::size_t used = 0;
        const double value = std::stod(line.substr(at + 1), &used);
        CHECK(at + 1 + used == line.size());
        CHECK(value >= 0);
        CHECK(samples.emplace(name + "{" + labels + le, value).second);
        if (type_ == "counter")
            CHECK(suffix == "_total");
        else if (type_ == "gauge")
            CHECK(suffix.empty());
        else
            read_histogram(suffix, labels, le, value);
    }

    void read_histogram(const std::string& suffix, const std::string& labels, const std::string& le,
                        double value)
    {
        REQUIRE((suffix == "_bucket" || suffix == "_sum" || suffix == "_count"));
        if (suffix == "_count")
            CHECK(value == buckets_[labels].second);
        if (suffix != "_bucket")
            return;
        const double bound = le == "+Inf" ? HUGE_VAL : std::stod(le);
        if (const auto last = buckets_.find(labels); last != buckets_.end()) {
            CHECK(bound > last->second.first);
            CHECK(value >= last->second.second);
        }
        buckets_[labels] = {bound, value};
    }

    std::string family_, type_;
    std::set<std::string> families_;
    std::map<std::string, std::pair<double, double>> buckets_; ///< the last one of each
    std::size_t sampled_ = 0;
    bool helped_ = false, ended_ = false;
};

} // namespace

TEST_CASE("the text keeps every rule of OpenMetrics, and has the numbers")
{
    const strict_reader all(must(open_metrics(some_metrics(), {.peers = true})));
    const auto value_of = [&](const std::string& sample) {
        CAPTURE(sample);
        REQUIRE(all.samples.contains(sample));
        return all.samples.at(sample);
    };
    CHECK(value_of("serverlink_memory_used_bytes{") == 5);
    CHECK(value_of("serverlink_memory_ended_connections_total{") == 2);
    CHECK(value_of("serverlink_socket_queued_messages_total{socket=1;type=DEALER;") == 12);
    CHECK(value_of("serverlink_socket_lost_messages_total{socket=2;type=DEALER;reason=full;") == 3);
    const std::string at = "socket=1;number=11;endpoint=tcp://127.0.0.1:5555;";
    CHECK(value_of("serverlink_endpoint_link_state{" + at + "state=backoff;") == 1);
    CHECK(value_of("serverlink_endpoint_link_state{" + at + "state=idle;") == 0);
    CHECK_FALSE(all.samples.contains("serverlink_endpoint_link_state{socket=1;number=10;endpoint="
                                     "tcp://127.0.0.1:5555;state=idle;"));
    const std::string trips = "serverlink_endpoint_round_trip_seconds";
    CHECK(value_of(trips + "_bucket{" + at + "kind=connected;0.0001") == 1);
    CHECK(value_of(trips + "_bucket{" + at + "kind=connected;0.0025") == 3);
    CHECK(value_of(trips + "_bucket{" + at + "kind=connected;+Inf") == 7);
    CHECK(value_of(trips + "_count{" + at + "kind=connected;") == 7);
    CHECK(value_of(trips + "_sum{" + at + "kind=connected;") == doctest::Approx(1.5));
    const std::string peer = "socket=1;endpoint=tcp://127.0.0.1:5555;connection=";
    CHECK(value_of("serverlink_peer_last_round_trip_seconds{" + peer +
                   "1;address=127.0.0.1:5555;routing_id=plain;") == doctest::Approx(0.0025));
    CHECK(value_of("serverlink_peer_ready{" + peer +
                   "2;address=127.0.0.1:5555;routing_id=\"quoted\\\\x0a;") == 0);
    CHECK(value_of("serverlink_peer_ready{" + peer +
                   "3;address=127.0.0.1:5555;routing_id=\\x01\\xff;") == 0);
    const strict_reader one(must(open_metrics(some_metrics().sockets[0], {.peers = true})));
    CHECK_FALSE(one.samples.contains("serverlink_memory_used_bytes{"));
    CHECK(one.samples.size() < all.samples.size());
}

TEST_CASE("connections have series of their own only if that is asked for")
{
    for (const bool wanted : {false, true}) {
        const strict_reader all(must(open_metrics(some_metrics(), {.peers = wanted})));
        CHECK(std::ranges::any_of(all.samples, [](const auto& each) {
                  return each.first.starts_with("serverlink_peer_");
              }) == wanted);
        const std::string at = "{socket=2;number=20;endpoint=ipc:///a \"b\"\\c;kind=bound;";
        REQUIRE(all.samples.contains("serverlink_endpoint_ready_peers" + at));
        CHECK(all.samples.at("serverlink_endpoint_ready_peers" + at) == 3);
        CHECK(all.samples.at("serverlink_endpoint_stalled_peers" + at) == 1);
        CHECK(all.samples.at("serverlink_endpoint_waiting_messages" + at) == 7);
    }
}

#ifdef __linux__
TEST_CASE("promtool finds no fault in the text")
{
    if (!has_promtool())
        SLK_SKIP("promtool is not installed (on Debian: prometheus)");
    CHECK(faults_of_metrics(must(open_metrics(some_metrics(), {.peers = true}))).empty());
}
#endif
