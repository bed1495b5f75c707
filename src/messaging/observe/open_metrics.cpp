// SPDX-License-Identifier: MPL-2.0

// metrics_of(), and its numbers as text (OpenMetrics 1.0, text format).

#include <serverlink/metrics.hpp>

#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"

#include <charconv>
#include <span>
#include <utility>

namespace slk {

namespace {

/// Text that is built piece by piece.
class metrics_text {
public:
    void add(std::string_view piece) noexcept { whole_ = whole_ && try_append(text_, piece); }
    /// A label's value, escaped as the format asks for. It is UTF-8 then, because what is not ASCII
    /// is written as \xHH.
    void add_escaped(std::string_view value) noexcept
    {
        for (const char each : value) {
            const auto byte = static_cast<unsigned char>(each);
            constexpr std::string_view digits = "0123456789abcdef";
            if (each == '"')
                add("\\\"");
            else if (each == '\\')
                add("\\\\");
            else if (byte >= 0x20 && byte < 0x7f)
                add({&each, 1});
            else
                for (const std::string_view piece :
                     {std::string_view("\\\\x"), digits.substr(byte >> 4, 1),
                      digits.substr(byte & 15, 1)})
                    add(piece);
        }
    }
    void add_number(std::uint64_t value) noexcept
    {
        char digits[20];
        add({digits, std::to_chars(digits, std::end(digits), value).ptr});
    }
    /// In seconds, exactly.
    void add_seconds(duration time) noexcept
    {
        constexpr std::uint64_t second = 1'000'000'000;
        const auto nanoseconds = static_cast<std::uint64_t>(time.count());
        add_number(nanoseconds / second);
        char digits[10];
        (void)std::to_chars(digits, std::end(digits), second + nanoseconds % second);
        std::string_view fraction(digits + 1, 9);
        while (!fraction.empty() && fraction.back() == '0')
            fraction.remove_suffix(1);
        if (fraction.empty())
            return;
        add(".");
        add(fraction);
    }
    [[nodiscard]] result<std::string> take() noexcept
    {
        if (!whole_)
            return fail(errc::out_of_memory, phase::none);
        return std::move(text_);
    }

private:
    std::string text_;
    bool whole_ = true;
};

/// What is said of a number.
struct metric_family {
    std::string_view name; ///< without the suffix _total
    std::string_view type;
    std::string_view unit;
    std::string_view help;
};

/// The labels of a sample, without the braces.
struct label {
    std::string_view name;
    std::string_view value;
};

/// Writes the text: a family after the other, with all its samples.
class metrics_writer {
public:
    explicit metrics_writer(std::span<const socket_metrics> sockets) noexcept : sockets_(sockets) {}

    void write_context(const context_metrics& of)
    {
        const auto one = [&](const metric_family& family, std::uint64_t value) {
            begin(family);
            sample(family.type == "counter" ? "_total" : "", {}, value);
        };
        one({"serverlink_memory_used_bytes", "gauge", "bytes",
             "Memory that the queues of all sockets hold."},
            of.memory.bytes);
        one({"serverlink_memory_limit_bytes", "gauge", "bytes",
             "What the queues may hold; 0 is no limit."},
            of.memory.max_bytes);
        one({"serverlink_memory_ended_connections", "counter", "",
             "Connections that ended because a message found no memory."},
            of.memory.ended_connections);
    }
    void write_sockets();
    void write_endpoints();
    void write_round_trips();
    void write_peers();
    [[nodiscard]] result<std::string> end()
    {
        text_.add("# EOF\n");
        return text_.take();
    }

private:
    void begin(const metric_family& family)
    {
        name_ = family.name;
        const auto line = [&](std::string_view what, std::string_view value) {
            if (value.empty())
                return;
            for (const std::string_view piece :
                 {std::string_view("# "), what, std::string_view(" "), name_, std::string_view(" "),
                  value, std::string_view("\n")})
                text_.add(piece);
        };
        line("TYPE", family.type);
        line("UNIT", family.unit);
        line("HELP", family.help);
    }
    void begin_sample(std::string_view suffix, std::initializer_list<label> labels)
    {
        text_.add(name_);
        text_.add(suffix);
        text_.add(labels.size() > 0 ? "{" : "");
        bool first = true;
        for (const label& each : labels) {
            text_.add(std::exchange(first, false) ? "" : ",");
            text_.add(each.name);
            text_.add("=\"");
            text_.add_escaped(each.value);
            text_.add("\"");
        }
        text_.add(labels.size() > 0 ? "} " : " ");
    }
    void sample(std::string_view suffix, std::initializer_list<label> labels, std::uint64_t value)
    {
        begin_sample(suffix, labels);
        text_.add_number(value);
        text_.add("\n");
    }

    /// A family with one sample for each socket.
    void of_sockets(const metric_family& family, std::uint64_t socket_counters::* which)
    {
        begin(family);
        for (const socket_metrics& each : sockets_)
            sample("_total", {{"socket", number_of(each)}, {"type", each.type}},
                   each.counters.*which);
    }
    /// A family with several samples for each socket.
    template <std::size_t Count>
    void of_sockets(const metric_family& family, std::string_view by,
                    const std::pair<const char*, std::uint64_t socket_counters::*> (&all)[Count])
    {
        begin(family);
        for (const socket_metrics& each : sockets_)
            for (const auto& [value, which] : all)
                sample("_total", {{"socket", number_of(each)}, {"type", each.type}, {by, value}},
                       each.counters.*which);
    }
    void of_endpoints(const metric_family& family, std::uint64_t endpoint_metrics::* which,
                      std::string_view suffix = "_total")
    {
        begin(family);
        for (const socket_metrics& each : sockets_)
            for (const endpoint_metrics& at : each.endpoints)
                sample(suffix,
                       {{"socket", number_of(each)},
                        {"number", text_of(at.number)},
                        {"endpoint", at.endpoint},
                        {"kind", kind_of(at)}},
                       at.*which);
    }
    template <class Value>
    void of_peers(const metric_family& family, Value value)
    {
        begin(family);
        const bool counts = family.type == "counter";
        for (const socket_metrics& each : sockets_) {
            for (const peer_metrics& peer : each.peers) {
                const std::string address = to_string(peer.address);
                const number_text connection(static_cast<std::int64_t>(peer.connection));
                begin_sample(counts ? "_total" : "", {{"socket", number_of(each)},
                                                      {"endpoint", peer.endpoint},
                                                      {"connection", connection},
                                                      {"address", address},
                                                      {"routing_id", peer.routing_id}});
                value(peer);
                text_.add("\n");
            }
        }
    }
    void of_peers(const metric_family& family, std::uint64_t peer_metrics::* which)
    {
        of_peers(family, [&](const peer_metrics& peer) { text_.add_number(peer.*which); });
    }

    [[nodiscard]] static number_text text_of(std::uint64_t number) noexcept
    {
        return number_text(static_cast<std::int64_t>(number));
    }
    [[nodiscard]] static number_text number_of(const socket_metrics& of) noexcept
    {
        return text_of(of.number);
    }
    [[nodiscard]] static std::string_view kind_of(const endpoint_metrics& of) noexcept
    {
        return of.kind == endpoint_kind::bound ? "bound" : "connected";
    }

    const std::span<const socket_metrics> sockets_;
    metrics_text text_;
    std::string_view name_;
};

void metrics_writer::write_sockets()
{
    using counts = socket_counters;
    of_sockets({"serverlink_socket_queued_messages", "counter", "messages",
                "Messages that were queued for peers."},
               &counts::queued_total);
    of_sockets({"serverlink_socket_received_messages", "counter", "messages",
                "Messages that the program has received."},
               &counts::received);
    of_sockets({"serverlink_socket_lost_messages", "counter", "messages",
                "Messages that were dropped or thrown away, by the reason."},
               "reason",
               {{"no_route", &counts::dropped_no_route},
                {"full", &counts::dropped_full},
                {"unsent", &counts::unsent},
                {"discarded", &counts::discarded},
                {"stale", &counts::dropped_stale},
                {"expired", &counts::expired},
                {"set_aside", &counts::refused}});
    of_sockets({"serverlink_socket_unconfirmed_messages", "counter", "messages",
                "Messages of ended connections that the peer may not have read."},
               &counts::unconfirmed);
    of_sockets({"serverlink_socket_requeued_messages", "counter", "messages",
                "Messages of peers that are gone, which go to others."},
               &counts::requeued);
    of_sockets({"serverlink_socket_conflated_messages", "counter", "messages",
                "Messages that newer ones have replaced, by the direction."},
               "direction",
               {{"sent", &counts::conflated_sent}, {"received", &counts::conflated_received}});
    of_sockets({"serverlink_socket_connects", "counter", "", "Times that a peer has connected."},
               &counts::connected);
    of_sockets({"serverlink_socket_disconnects", "counter", "",
                "Times that the connection of a peer has ended."},
               &counts::disconnected);
    of_sockets(
        {"serverlink_socket_rejected_peers", "counter", "peers", "Peers that were turned away."},
        &counts::rejected);
    of_sockets({"serverlink_socket_stalls", "counter", "", "Times that a peer has stalled."},
               &counts::stalls);
}

void metrics_writer::write_endpoints()
{
    using at = endpoint_metrics;
    of_endpoints({"serverlink_endpoint_connections", "counter", "connections",
                  "Connections that have begun."},
                 &at::connections);
    begin({"serverlink_endpoint_handshakes", "counter", "handshakes",
           "Handshakes that are over, by the outcome."});
    for (const socket_metrics& each : sockets_)
        for (const endpoint_metrics& of : each.endpoints)
            for (const auto& [outcome, which] :
                 {std::pair{"succeeded", &at::handshakes_succeeded},
                  std::pair{"failed_no_detail", &at::handshakes_failed_no_detail},
                  std::pair{"failed_protocol", &at::handshakes_failed_protocol},
                  std::pair{"failed_auth", &at::handshakes_failed_auth}})
                sample("_total",
                       {{"socket", number_of(each)},
                        {"number", text_of(of.number)},
                        {"endpoint", of.endpoint},
                        {"kind", kind_of(of)},
                        {"outcome", outcome}},
                       of.*which);
    of_endpoints({"serverlink_endpoint_attempts", "counter", "attempts", "Tries to connect."},
                 &at::attempts);
    of_endpoints({"serverlink_endpoint_retries", "counter", "retries",
                  "Delays before another try to connect."},
                 &at::retries);
    of_endpoints({"serverlink_endpoint_refused_connections", "counter", "connections",
                  "Connections that the limits of the endpoint have refused."},
                 &at::refused);
    of_endpoints({"serverlink_endpoint_accept_failures", "counter", "failures",
                  "Failures to accept a connection."},
                 &at::accept_failures);
    of_endpoints({"serverlink_endpoint_sent_bytes", "counter", "bytes",
                  "Bytes that the system has taken from connections."},
                 &at::bytes_sent);
    of_endpoints({"serverlink_endpoint_received_bytes", "counter", "bytes",
                  "Bytes that have arrived on connections."},
                 &at::bytes_received);
    const auto now = [&](const metric_family& family, std::uint64_t at::* which) {
        of_endpoints(family, which, "");
    };
    now({"serverlink_endpoint_ready_peers", "gauge", "peers", "Peers whose handshake is over."},
        &at::ready_peers);
    now({"serverlink_endpoint_stalled_peers", "gauge", "peers", "Peers that do not read."},
        &at::stalled_peers);
    now({"serverlink_endpoint_waiting_messages", "gauge", "messages",
         "Messages that wait to be sent."},
        &at::queued);
    begin({"serverlink_endpoint_link_state", "gauge", "",
           "1 for the state of the link of a connect(), and 0 for its other states."});
    for (const socket_metrics& each : sockets_)
        for (const endpoint_metrics& of : each.endpoints)
            for (std::size_t state = 0;
                 of.kind == endpoint_kind::connected && state < link_state_count; ++state)
                sample("",
                       {{"socket", number_of(each)},
                        {"number", text_of(of.number)},
                        {"endpoint", of.endpoint},
                        {"state", name_of(static_cast<link_state>(state))}},
                       of.link == static_cast<link_state>(state) ? 1 : 0);
}

void metrics_writer::write_round_trips()
{
    begin({"serverlink_endpoint_round_trip_seconds", "histogram", "seconds",
           "Times until the answer to a heartbeat."});
    for (const socket_metrics& each : sockets_) {
        for (const endpoint_metrics& at : each.endpoints) {
            std::uint64_t below = 0;
            for (std::size_t bucket = 0; bucket < at.round_trips.counts.size(); ++bucket) {
                below += at.round_trips.counts[bucket];
                metrics_text bound;
                if (bucket < round_trips::bounds.size())
                    bound.add_seconds(round_trips::bounds[bucket]);
                else
                    bound.add("+Inf");
                const auto le = bound.take();
                sample("_bucket",
                       {{"socket", number_of(each)},
                        {"number", text_of(at.number)},
                        {"endpoint", at.endpoint},
                        {"kind", kind_of(at)},
                        {"le", le ? *le : std::string_view()}},
                       below);
            }
            begin_sample("_sum", {{"socket", number_of(each)},
                                  {"number", text_of(at.number)},
                                  {"endpoint", at.endpoint},
                                  {"kind", kind_of(at)}});
            text_.add_seconds(at.round_trips.sum);
            text_.add("\n");
            sample("_count",
                   {{"socket", number_of(each)},
                    {"number", text_of(at.number)},
                    {"endpoint", at.endpoint},
                    {"kind", kind_of(at)}},
                   below);
        }
    }
}

void metrics_writer::write_peers()
{
    using of = peer_metrics;
    of_peers({"serverlink_peer_queued_messages", "counter", "messages",
              "Messages that were queued for the peer."},
             &of::queued_total);
    of_peers({"serverlink_peer_sent_messages", "counter", "messages",
              "Messages that the system has taken."},
             &of::sent);
    of_peers({"serverlink_peer_received_messages", "counter", "messages",
              "Messages of the peer that were received."},
             &of::received);
    of_peers(
        {"serverlink_peer_waiting_messages", "gauge", "messages", "Messages that wait to be sent."},
        &of::queued);
    of_peers({"serverlink_peer_sent_bytes", "counter", "bytes", "Bytes that the system has taken."},
             &of::bytes_sent);
    of_peers({"serverlink_peer_received_bytes", "counter", "bytes", "Bytes that have arrived."},
             &of::bytes_received);
    of_peers({"serverlink_peer_ready", "gauge", "", "1 while messages flow, and else 0."},
             [&](const peer_metrics& peer) { text_.add(peer.ready ? "1" : "0"); });
    of_peers(
        {"serverlink_peer_stalled", "gauge", "", "1 while the peer does not read, and else 0."},
        [&](const peer_metrics& peer) { text_.add(peer.stalled ? "1" : "0"); });
    of_peers({"serverlink_peer_last_round_trip_seconds", "gauge", "seconds",
              "Time until the answer to the last heartbeat; 0 before the first."},
             [&](const peer_metrics& peer) { text_.add_seconds(peer.round_trip); });
}

result<std::string> write_all(std::span<const socket_metrics> sockets, const context_metrics* whole,
                              const open_metrics_options& options)
{
    metrics_writer out(sockets);
    if (whole != nullptr)
        out.write_context(*whole);
    out.write_sockets();
    out.write_endpoints();
    out.write_round_trips();
    if (options.peers)
        out.write_peers();
    return out.end();
}

} // namespace

result<std::string> open_metrics(const socket_metrics& of, const open_metrics_options& options)
{
    return write_all({&of, 1}, nullptr, options);
}

result<std::string> open_metrics(const context_metrics& of, const open_metrics_options& options)
{
    return write_all(of.sockets, &of, options);
}

result<socket_metrics> metrics_of(const socket& which)
{
    messaging::socket_core* const core = which.core();
    if (core == nullptr)
        return fail(errc::invalid_state, phase::none, "the socket is empty");
    if (core->context()->forked())
        return fail(core->context()->why_stopped());
    return core->reports().metrics();
}

result<context_metrics> metrics_of(const context& which)
{
    if (which.core() == nullptr)
        return fail(errc::invalid_state, phase::none, "the context is empty");
    context_metrics all;
    all.memory = which.memory();
    SLK_TRY(all.sockets, which.core()->metrics());
    return all;
}

} // namespace slk
